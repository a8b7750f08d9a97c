"""Serve one browser tab: keep its picture up to date and handle the messages of its page."""

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

from plotting.data.panels import to_microseconds
from plotting.figures import picture_bytes
from plotting.serve.hover import Hover
from plotting.serve.live_pictures import EmptyPicture, LivePicture, OverviewPicture, PanelsPicture
from plotting.serve.live_run import LiveRun
from plotting.serve.page_messages import matching_devices, run_message
from plotting.serve.view_choice import ViewChoice, read_choice
from plotting.serve.words import WORDS
from telemetry.errors import ConfigError

_KEYS: Final = frozenset(
    {"kh", "kr", "kHome", "kArrowLeft", "kArrowRight", "kBackspace", "kc", "kv", "ko", "kp", "kEscape"}
)
"""Matplotlib's keys for navigation; others would close the picture or make an axis of dates logarithmic."""
_BUTTONS: Final = frozenset({"home", "back", "forward", "pan", "zoom"})
_PASSED_ON: Final = frozenset(
    {
        *("ack", "draw", "refresh", "send_image_mode", "set_device_pixel_ratio", "toolbar_button"),
        *("button_press", "button_release", "dblclick", "motion_notify", "figure_enter", "figure_leave", "scroll"),
        *("key_press", "key_release"),
    }
)
"""Messages of Matplotlib's script that are passed to its canvas."""
_PAUSE_FACTOR: Final = 4.0
"""Least pause between two updates, as a multiple of the time that an update takes."""


class TabChannel(Protocol):
    """Connection to the page."""

    def send_json(self, content: dict[str, Any]) -> None:
        """Send a message."""

    def send_binary(self, blob: bytes) -> None:
        """Send a picture."""


class _Toolbar(NavigationToolbar2WebAgg):
    on_home: Callable[[], None] | None = None

    def home(self, *_args: Any) -> None:
        """Show all data, including data newer than the view that Matplotlib saved before the first zoom."""
        if self.on_home is not None:
            self.on_home()
        self.update()
        self.canvas.draw_idle()

    def back(self, *args: Any) -> None:
        """Show the previous view; the view before the first zoom shows all data."""
        super().back(*args)
        if self.on_home is not None and not self._nav_stack._pos:  # type: ignore[attr-defined]
            self.on_home()


class _Manager(FigureManagerWebAgg):
    _toolbar2_class = _Toolbar  # type: ignore[assignment]  # declared as None in Matplotlib


class TabSession:
    """State of one tab; all methods run in the server's only thread."""

    def __init__(
        self,
        run: LiveRun,
        choice: ViewChoice,
        channel: TabChannel,
        default: ViewChoice,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with a choice; nothing is sent before `start`.

        Args:
            run: the results known so far.
            choice: what to show.
            channel: connection to the page.
            default: choice for parameters that the page does not send.
            clock: time in seconds that never goes back.
        """
        self.id = secrets.token_urlsafe(16)
        self.choice, self._default = choice, default
        self._run, self.channel, self._clock = run, channel, clock
        self.picture: LivePicture = EmptyPicture(choice, "")
        self.manager: Any = None
        self._ratio = 1.0
        self._shown: tuple[Any, ...] = ()
        self._not_before = 0.0
        self._hover: Hover | None = None

    def start(self) -> None:
        """Send the id of the session and the picture."""
        self.channel.send_json({"type": "session", "id": self.id})
        self._replace_picture(None)
        self.update_page()

    def close(self) -> None:
        """Disconnect the picture from the page."""
        if self.manager is not None:
            self.manager.web_sockets.clear()

    def choose(self, choice: ViewChoice) -> None:
        """Show another choice."""
        self.choice = choice
        self._shown, self._not_before = (), 0.0
        self._replace_picture(None)
        self.update_page()

    def update_page(self) -> None:
        """Update the page if there are new records and the pause since the last update is over."""
        state = (self._run.version, self._run.problem)
        began = self._clock()
        if state == self._shown or began < self._not_before:
            return
        content = self._content()
        if not self.picture.update(content):
            self._replace_picture(content)
        self._shown = state
        self.manager.canvas.draw_idle()
        self.channel.send_json({"type": "run"} | run_message(self._run, self.choice))
        now = self._clock()
        self._not_before = now + _PAUSE_FACTOR * (now - began)

    def _content(self) -> Any:
        choice, run = self.choice, self._run
        span = choice.range_at(run.newest_us)
        if choice.figure == "overview":
            overview = run.overview(choice.metric_or_all, choice.devices, span)
            return overview if overview.span is not None or overview.reasons else None
        found = run.panel_content(choice.metric, choice.devices, span, readings=choice.figure == "scatter")
        return found if any(panel.points or len(panel.anomalies) for panel in found.panels) else None

    def _replace_picture(self, content: Any) -> None:
        """Replace the picture by one of the given content."""
        if content is None:
            self.picture = EmptyPicture(self.choice, WORDS[self.choice.language]["nothing"])
        elif self.choice.figure == "overview":
            self.picture = OverviewPicture(self.choice, content)
        else:
            self.picture = PanelsPicture(self.choice, content)
        mode = self.manager.toolbar.mode.name if self.manager is not None else ""
        self.close()
        canvas: Any = FigureCanvasWebAggCore(self.picture.figure)  # type: ignore[no-untyped-call]
        self.manager = _Manager(canvas, 0)  # type: ignore[no-untyped-call]
        self.manager.toolbar.on_home = self.picture.reset_zoom
        canvas.mpl_connect("motion_notify_event", self._on_motion)
        canvas.handle_event({"type": "set_device_pixel_ratio", "device_pixel_ratio": self._ratio})
        self.manager.add_web_socket(self.channel)
        if mode in ("PAN", "ZOOM"):  # keep the toolbar button pressed
            self.manager.handle_json({"type": "toolbar_button", "name": mode.lower()})

    def handle_message(self, message: dict[str, Any]) -> None:
        """Handle a message of the page.

        Raises:
            KeyError, TypeError, ValueError: for a message that the page's script cannot have sent.
        """
        kind = message["type"]
        if kind == "choose":
            self._choose(message["parameters"])
        elif kind == "find":
            self.channel.send_json({"type": "devices"} | matching_devices(self._run, self.choice, str(message["text"])))
        elif kind == "resize":
            # Resizing the canvas in the page clears it, so it is drawn again; the picture keeps its size.
            self.manager.handle_json({"type": "refresh"})
        elif kind in _PASSED_ON and (not kind.startswith("key") or message["key"] in _KEYS):
            _check_message(message)
            if kind == "set_device_pixel_ratio":
                self._ratio = min(max(float(message["device_pixel_ratio"]), 0.5), 4.0)
                message["device_pixel_ratio"] = self._ratio
            with self.choice.colors.style():
                self.manager.handle_json(message)
            if kind == "figure_leave":
                self._send_hover(None)

    def _choose(self, parameters: dict[str, list[str]]) -> None:
        if not all(isinstance(text, str) for texts in dict(parameters).values() for text in texts):
            raise TypeError("parameters are texts")
        try:
            self.choose(read_choice(parameters, self._default))
        except ConfigError as error:
            self.channel.send_json({"type": "refused", "problem": str(error)})

    def _on_motion(self, event: Any) -> None:
        if isinstance(event, MouseEvent):
            self._send_hover(
                self.picture.hover_at(event) if not self.manager.toolbar.mode and not event.button else None
            )

    def _send_hover(self, hover: Hover | None) -> None:
        if hover == self._hover:
            return
        self._hover = hover
        lines = list(hover.lines) if hover else []
        if hover and hover.kind == "anomaly":
            lines += self._breached_rules(hover)
        self.channel.send_json({"type": "hover", "kind": hover.kind if hover else "", "lines": lines})

    def _breached_rules(self, hover: Hover) -> list[str]:
        """Return a line for each rule that an anomaly breached."""
        words, texts, metric = WORDS[self.choice.language], self.choice.texts, self.choice.metric
        found = self._run.anomalies.of(metric, hover.device)
        event_us, source_us = to_microseconds(found["event_time"]), to_microseconds(found["source_time"])
        rows = found[(event_us == hover.time_us) | (source_us == hover.time_us)]
        return [
            f"{row.rule_id} ({texts.severity(row.severity)}): "
            + words[row.comparison].format(
                low=texts.quantity(row.threshold, metric), high=texts.quantity(row.threshold_upper, metric)
            )
            for row in rows.itertuples()
        ]

    def saved_picture(self, kind: str) -> bytes:
        """Return the picture as shown, as the bytes of a ``png``, ``svg`` or ``pdf`` file."""
        return picture_bytes(self.picture.figure, kind, self.choice.theme)


def _check_message(message: dict[str, Any]) -> None:
    """Check the fields of a message that Matplotlib's canvas uses unchecked.

    Raises:
        KeyError, TypeError, ValueError: if Matplotlib's script cannot have sent the message.
    """
    numbers = [message[name] for name in ("x", "y", "step", "device_pixel_ratio") if name in message]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("not a number")
    if message["type"] == "toolbar_button" and message["name"] not in _BUTTONS:
        raise ValueError("no such button")
