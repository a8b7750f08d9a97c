"""Run tab sessions without a server, and return pictures as pixels."""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from plotting.draw.draw_panels import WIDTH_IN
from plotting.serve.live_pictures import LivePicture
from plotting.serve.live_run import LiveRun
from plotting.serve.tab_session import TabSession
from plotting.serve.view_choice import ViewChoice

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def pixels(picture: LivePicture, choice: ViewChoice) -> Pixels:
    """Return the pixels of a picture."""
    with choice.colors.style(), mpl.rc_context({"figure.dpi": choice.width / WIDTH_IN}):
        canvas: Any = FigureCanvasAgg(picture.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()


class Tab:
    """Channel of a session that answers `draw` events as Matplotlib's script does, and keeps all messages."""

    def __init__(
        self,
        run: LiveRun,
        choice: ViewChoice | None = None,
        *,
        default: ViewChoice | None = None,
        keep: bool = True,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.messages: list[dict[str, Any]] = []
        self.blobs, self.waiting, self.keep, self.now = 0, 0, keep, 0.0
        default = default or ViewChoice(width=480)
        self.session = TabSession(run, choice or default, self, default, clock or (lambda: self.now))

    def send_json(self, content: dict[str, Any]) -> None:
        self.waiting += content["type"] == "draw"
        if self.keep:
            self.messages.append(content)

    def send_binary(self, blob: bytes) -> None:
        assert blob.startswith(b"\x89PNG")
        self.blobs += 1

    def begin(self) -> "Tab":
        self.session.start()
        self.answer()
        return self

    def answer(self) -> None:
        """Request the picture if a `draw` event announced a new one."""
        while self.waiting:
            self.waiting = 0
            self.session.handle_message({"type": "draw"})
            self.session.handle_message({"type": "ack"})

    @property
    def picture(self) -> Any:
        """Return the picture shown."""
        return self.session.picture

    def show(self) -> None:
        """Update the page after an hour of the session's clock."""
        self.now += 3_600.0
        self.session.update_page()
        self.answer()

    def hear(self, kind: str, **content: Any) -> list[dict[str, Any]]:
        """Send a message as the page does; return the messages sent in reply."""
        before = len(self.messages)
        self.session.handle_message({"type": kind, **content})
        self.answer()
        return self.messages[before:]

    def mouse(self, kind: str, x: float, y: float, *, buttons: int = 0) -> list[dict[str, Any]]:
        """Send a mouse event at a point in pixels from the lower left."""
        height = self.session.picture.figure.canvas.get_width_height(physical=True)[1]
        return self.hear(kind, x=x, y=height - y, button=0, buttons=buttons, modifiers=[], guiEvent={})

    def last(self, kind: str) -> dict[str, Any]:
        """Return the last message of a kind."""
        return next(message for message in reversed(self.messages) if message["type"] == kind)
