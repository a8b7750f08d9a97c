"""Incidents in the real Alertmanager: firing, resolved, never told twice, and whatever clocks and replays do."""

import time
from collections.abc import Callable
from typing import Any

from telemetry.model.records import Incident
from telemetry.webhooks.webhook import Webhook
from tests.support.alertmanager import Alertmanager, alertmanager
from tests.support.records import batch_of, transition
from tests.support.run_transform import run_transform
from transforms.outputs.send_incidents import SendIncidents

__all__ = ["alertmanager"]
HOUR = 3_600_000_000


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := true()):
        assert time.monotonic() < end, "never true"
        time.sleep(0.05)
    return found


def send(server: Alertmanager, *transitions: Incident) -> None:
    outputs = run_transform([batch_of(*transitions)], SendIncidents((Webhook(server.api),)))
    assert outputs == {"dead_letters": []}


def now_us() -> int:
    return time.time_ns() // 1_000


def opened(incident_id: str, at_us: int | None = None, **changes: Any) -> Incident:
    """An opening, two minutes ago unless told otherwise."""
    at_us = now_us() - 120_000_000 if at_us is None else at_us
    return transition(0, incident_id=incident_id, opened_at=at_us, event_time=at_us, last_at=at_us, **changes)


def closed(one: Incident, after_us: int = 30_000_000) -> Incident:
    moment = one.opened_at + after_us
    changes: dict[str, Any] = {"opened_at": one.opened_at, "event_time": moment, "closed_at": moment, "state": "closed"}
    return transition(5, incident_id=one.incident_id, **changes)


def pass_time(server: Alertmanager, name: str) -> None:
    """Wait until an alert that is sent now has been told and is over: all that was due before has been told, too."""
    fence = opened(name)
    send(server, fence)
    until(lambda: (name, "firing") in server.notified())
    send(server, closed(fence))
    until(lambda: (name, "resolved") in server.notified())


def told(server: Alertmanager, name: str) -> list[str]:
    return [status for incident_id, status in server.notified() if incident_id == name]


def test_an_incident_fires_and_is_resolved(alertmanager: Alertmanager) -> None:
    one = opened("a")
    send(alertmanager, one)
    until(lambda: told(alertmanager, "a") == ["firing"])
    (alert,) = alertmanager.firing()
    assert alert["labels"] == {
        "alertname": "temp-high",
        "severity": "critical",
        "device": "b8:27:eb",
        "metric": "temp",
        "incident_id": "a",
    }
    assert alert["annotations"]["summary"].startswith("temp-high: temp of b8:27:eb above 30, worst 30.5, since 20")
    assert (alert["status"]["state"], alert["endsAt"]) == ("active", "2200-01-01T00:00:00.000Z")
    send(alertmanager, closed(one))
    until(lambda: told(alertmanager, "a") == ["firing", "resolved"])
    assert alertmanager.firing() == []


def test_an_open_incident_outlives_the_timeout_by_which_alertmanager_resolves(alertmanager: Alertmanager) -> None:
    """Its `resolve_timeout` is a second here: an alert without an end would be over."""
    send(alertmanager, opened("a"))
    for name in ("x", "y"):
        pass_time(alertmanager, name)
    assert told(alertmanager, "a") == ["firing"]
    assert [alert["labels"]["incident_id"] for alert in alertmanager.firing()] == ["a"]


def test_the_same_transitions_again_tell_nobody_again(alertmanager: Alertmanager) -> None:
    """As after a restart: a bundle is sent again, and later all of it once more."""
    one, two = opened("a"), opened("b")
    for _ in range(2):
        send(alertmanager, one, two)
    until(lambda: told(alertmanager, "b") == ["firing"])
    send(alertmanager, closed(one))
    until(lambda: told(alertmanager, "a") == ["firing", "resolved"])
    for name in ("x", "y"):
        send(alertmanager, one, two, closed(one))
        pass_time(alertmanager, name)
    assert (told(alertmanager, "a"), told(alertmanager, "b")) == (["firing", "resolved"], ["firing"])
    assert [alert["labels"]["incident_id"] for alert in alertmanager.firing()] == ["b"]


def test_an_update_tells_nobody_and_changes_what_is_shown(alertmanager: Alertmanager) -> None:
    one = opened("a")
    send(alertmanager, one)
    until(lambda: told(alertmanager, "a") == ["firing"])
    send(alertmanager, transition(1, incident_id="a", opened_at=one.opened_at, worst=35.0))
    pass_time(alertmanager, "x")
    assert told(alertmanager, "a") == ["firing"]
    assert [alert["annotations"]["worst"] for alert in alertmanager.firing()] == ["35"]


def test_an_incident_that_opens_again_fires_again(alertmanager: Alertmanager) -> None:
    one = opened("a")
    send(alertmanager, one)
    until(lambda: told(alertmanager, "a") == ["firing"])
    send(alertmanager, closed(one))
    until(lambda: told(alertmanager, "a") == ["firing", "resolved"])
    send(alertmanager, transition(6, incident_id="a", state="opened", opened_at=one.opened_at))
    until(lambda: told(alertmanager, "a") == ["firing", "resolved", "firing"])


def test_a_restart_of_alertmanager_forgets_and_the_next_update_reminds_it(alertmanager: Alertmanager) -> None:
    one = opened("a")
    send(alertmanager, one)
    until(lambda: told(alertmanager, "a") == ["firing"])
    alertmanager.kill()
    alertmanager.restart()
    assert alertmanager.firing() == []
    send(alertmanager, transition(1, incident_id="a", opened_at=one.opened_at))
    until(alertmanager.firing)
    send(alertmanager, closed(one))
    until(lambda: told(alertmanager, "a")[-1] == "resolved")


def test_a_replay_of_the_past_tells_of_what_is_still_open_only(alertmanager: Alertmanager) -> None:
    """Incidents of 2020: one that is over, which nobody heard of, and one that is open as of the last reading."""
    past = 1_594_512_000_000_000
    over, still = opened("over", past), opened("still", past + HOUR)
    send(alertmanager, over, closed(over), still)
    until(lambda: told(alertmanager, "still") == ["firing"])
    (alert,) = alertmanager.firing()
    assert (alert["labels"]["incident_id"], alert["startsAt"]) == ("still", "2020-07-12T01:00:00.000Z")
    send(alertmanager, closed(still))
    until(lambda: told(alertmanager, "still") == ["firing", "resolved"])
    assert told(alertmanager, "over") == []


def test_what_closes_in_the_future_is_over_now(alertmanager: Alertmanager) -> None:
    """As in a replay that runs ahead of the clock. An end in the future would leave it firing until 2200."""
    one = opened("a", now_us() + HOUR)
    send(alertmanager, one)
    until(lambda: told(alertmanager, "a") == ["firing"])
    send(alertmanager, closed(one))
    until(lambda: told(alertmanager, "a") == ["firing", "resolved"])
    assert alertmanager.firing() == []


def test_any_device_name_is_a_label(alertmanager: Alertmanager) -> None:
    send(alertmanager, opened("a", device='Küche "2"\n\\{}=', metric=""))
    (alert,) = until(alertmanager.firing)
    assert alert["labels"]["device"] == 'Küche "2"\n\\{}='
    assert "metric" not in alert["labels"]
