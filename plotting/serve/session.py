"""One tab of a browser: its picture, kept up to date, and what is done to it with mouse and toolbar."""

import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_webagg_core import (
    FigureCanvasWebAggCore,
    FigureManagerWebAgg,
    NavigationToolbar2WebAgg,
)

from plotting.data.panels import micros
from plotting.figures import picture_bytes
from plotting.serve.choice import ViewChoice, read_choice
from plotting.serve.facts import devices_like, facts_of
from plotting.serve.hover import Hover
from plotting.serve.live import LiveRun
from plotting.serve.pictures import CoursePicture, EmptyPicture, LivePicture, OverviewPicture
from plotting.serve.words import WORDS
from telemetry.errors import ConfigError

_KEYS: Final = frozenset(
    {"kh", "kr", "kHome", "kArrowLeft", "kArrowRight", "kBackspace", "kc", "kv", "ko", "kp", "kEscape"}
)
"""Keys of Matplotlib that move about in a picture; others close it, or make an axis of dates logarithmic."""
_BUTTONS: Final = frozenset({"home", "back", "forward", "pan", "zoom"})
_PASSED_ON: Final = frozenset(
    {
        *("ack", "draw", "refresh", "send_image_mode", "set_device_pixel_ratio", "toolbar_button"),
        *("button_press", "button_release", "dblclick", "motion_notify", "figure_enter", "figure_leave", "scroll"),
        *("key_press", "key_release"),
    }
)
"""Messages of Matplotlib's script that its canvas is told."""
_SHARE: Final = 4.0
"""A picture that takes a second to draw is drawn again that many seconds later at the earliest."""


class TabChannel(Protocol):
    """A way to the page."""

    def send_json(self, content: dict[str, Any]) -> None:
        """Send a message."""

    def send_binary(self, blob: bytes) -> None:
        """Send a picture."""


class _Toolbar(NavigationToolbar2WebAgg):
    on_home: Callable[[], None] | None = None

    def home(self, *_args: Any) -> None:
        """Show everything, of the newest data, too, instead of what was everything when somebody began to zoom."""
        if self.on_home is not None:
            self.on_home()
        self.update()
        self.canvas.draw_idle()

    def back(self, *args: Any) -> None:
        """Show what was shown before; before the first zoom that was everything."""
        super().back(*args)
        if self.on_home is not None and not self._nav_stack._pos:  # type: ignore[attr-defined]
            self.on_home()


class _Manager(FigureManagerWebAgg):
    _toolbar2_class = _Toolbar  # type: ignore[assignment]  # None there for the sake of another library


class TabSession:
    """One tab. Everything here runs in the server's one thread."""

    def __init__(self, run: LiveRun, choice: ViewChoice, channel: TabChannel, usual: ViewChoice) -> None:
        """Begin with a choice; nothing is sent before `begin`.

        Args:
            run: what is known.
            choice: what to show.
            channel: the way to the page.
            usual: what is shown if the page does not say otherwise.
        """
        self.id = secrets.token_urlsafe(16)
        self.choice, self._usual = choice, usual
        self._run, self._channel = run, channel
        self._picture: LivePicture = EmptyPicture(choice, "")
        self._manager: Any = None
        self._ratio = 1.0
        self._shown: tuple[Any, ...] = ()
        self._not_before = 0.0
        self._hover: Hover | None = None

    def begin(self) -> None:
        """Send who this is, and the picture."""
        self._channel.send_json({"type": "session", "id": self.id})
        self._new(None)
        self.show()

    def end(self) -> None:
        """Let the picture go."""
        if self._manager is not None:
            self._manager.web_sockets.clear()

    def choose(self, choice: ViewChoice) -> None:
        """Show something else."""
        self.choice = choice
        self._shown, self._not_before = (), 0.0
        self._new(None)
        self.show()

    def show(self) -> None:
        """Bring the page up to date, if anything has come in and there is time for it."""
        state = (self._run.version, self._run.problem)
        began = time.monotonic()
        if state == self._shown or began < self._not_before:
            return
        content = self._content()
        if not self._picture.update(content):
            self._new(content)
        self._shown = state
        self._manager.canvas.draw_idle()
        self._channel.send_json({"type": "run"} | facts_of(self._run, self.choice))
        now = time.monotonic()
        self._not_before = now + _SHARE * (now - began)

    def _content(self) -> Any:
        choice, run = self.choice, self._run
        span = choice.range_at(run.newest_us)
        if choice.figure == "overview":
            overview = run.overview(choice.metric_or_all, choice.devices, span)
            return overview if overview.span is not None or overview.reasons else None
        course = run.course(choice.metric, choice.devices, span, readings=choice.figure == "scatter")
        return course if any(panel.points or len(panel.anomalies) for panel in course.panels) else None

    def _new(self, content: Any) -> None:
        """Put another picture in the place of this one."""
        if content is None:
            self._picture = EmptyPicture(self.choice, WORDS[self.choice.language]["nothing"])
        elif self.choice.figure == "overview":
            self._picture = OverviewPicture(self.choice, content)
        else:
            self._picture = CoursePicture(self.choice, content)
        mode = self._manager.toolbar.mode.name if self._manager is not None else ""
        self.end()
        canvas: Any = FigureCanvasWebAggCore(self._picture.figure)  # type: ignore[no-untyped-call]
        self._manager = _Manager(canvas, 0)  # type: ignore[no-untyped-call]
        self._manager.toolbar.on_home = self._picture.follow
        canvas.mpl_connect("motion_notify_event", self._point)
        canvas.handle_event({"type": "set_device_pixel_ratio", "device_pixel_ratio": self._ratio})
        self._manager.add_web_socket(self._channel)
        if mode in ("PAN", "ZOOM"):  # the button is still pressed
            self._manager.handle_json({"type": "toolbar_button", "name": mode.lower()})

    def hear(self, message: dict[str, Any]) -> None:
        """Do what the page asks for.

        Raises:
            KeyError, TypeError, ValueError: for a message that the page's script does not send.
        """
        kind = message["type"]
        if kind == "choose":
            self._choose(message["parameters"])
        elif kind == "find":
            self._channel.send_json({"type": "devices"} | devices_like(self._run, self.choice, str(message["text"])))
        elif kind == "resize":
            # The page makes its canvas as large as the picture, which empties it; the picture keeps its size.
            self._manager.handle_json({"type": "refresh"})
        elif kind in _PASSED_ON and (not kind.startswith("key") or message["key"] in _KEYS):
            _check(message)
            if kind == "set_device_pixel_ratio":
                self._ratio = min(max(float(message["device_pixel_ratio"]), 0.5), 4.0)
                message["device_pixel_ratio"] = self._ratio
            with self.choice.look.style():
                self._manager.handle_json(message)
            if kind == "figure_leave":
                self._tell(None)

    def _choose(self, parameters: dict[str, list[str]]) -> None:
        if not all(isinstance(text, str) for texts in dict(parameters).values() for text in texts):
            raise TypeError("parameters are texts")
        try:
            self.choose(read_choice(parameters, self._usual))
        except ConfigError as error:
            self._channel.send_json({"type": "refused", "problem": str(error)})

    def _point(self, event: Any) -> None:
        if isinstance(event, MouseEvent):
            self._tell(self._picture.at(event) if not self._manager.toolbar.mode and not event.button else None)

    def _tell(self, hover: Hover | None) -> None:
        if hover == self._hover:
            return
        self._hover = hover
        lines = list(hover.lines) if hover else []
        if hover and hover.kind == "anomaly":
            lines += self._rules(hover)
        self._channel.send_json({"type": "hover", "kind": hover.kind if hover else "", "lines": lines})

    def _rules(self, hover: Hover) -> list[str]:
        """Return which rules an anomaly has breached."""
        words, texts, metric = WORDS[self.choice.language], self.choice.texts, self.choice.metric
        found = self._run.anomalies.of(metric, hover.device)
        event_us, source_us = micros(found["event_time"]), micros(found["source_time"])
        rows = found[(event_us == hover.time_us) | (source_us == hover.time_us)]
        return [
            f"{row.rule_id} ({texts.severity(row.severity)}): "
            + words[row.comparison].format(
                low=texts.quantity(row.threshold, metric), high=texts.quantity(row.threshold_upper, metric)
            )
            for row in rows.itertuples()
        ]

    def picture(self, kind: str) -> bytes:
        """Return the picture as the bytes of a file, as it is shown: ``png``, ``svg`` or ``pdf``."""
        return picture_bytes(self._picture.figure, kind, self.choice.theme)


def _check(message: dict[str, Any]) -> None:
    """Check what Matplotlib's canvas would take as it is.

    Raises:
        KeyError, TypeError, ValueError: if it is not what Matplotlib's script sends.
    """
    numbers = [message[name] for name in ("x", "y", "step", "device_pixel_ratio") if name in message]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("not a number")
    if message["type"] == "toolbar_button" and message["name"] not in _BUTTONS:
        raise ValueError("no such button")
