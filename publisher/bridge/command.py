"""Publish what an MQTT broker sends to a Pub/Sub topic: ``telemetry bridge``."""

import argparse
import contextlib
import hashlib
import secrets
import sys
import time
from typing import Any, Final, get_args

import msgspec

from publisher.bridge.address import URL, parse_address, read_login
from publisher.bridge.bridge_letters import FLAG, BridgeLetters
from publisher.bridge.messages import KeyKind
from publisher.bridge.mqtt_settings import MqttSettings, MqttVersion
from publisher.bridge.session import BridgePlan, BridgeSession
from publisher.bridge.topic_pattern import TopicPattern
from publisher.destination import add_destination_flags, check_destination_names, create_destination
from publisher.replay.topic import ReplayTopic
from telemetry.cli.commands import stopping
from telemetry.cli.exit_codes import FAILURE, SUCCESS
from telemetry.cli.flags import read_duration, read_whole
from telemetry.cli.standard_output import write_result
from telemetry.errors import ConfigError, TelemetryError
from telemetry.pubsub.client import check_topic

EXAMPLES: Final = """
%(prog)s mqtt://localhost:1883/plants/+/+ --topic projects/demo/topics/telemetry
%(prog)s mqtts://broker.example/plants/{site}/{device} --topic projects/demo/topics/telemetry --ca-file ca.pem
%(prog)s 'mqtt://localhost/#' --topic projects/demo/topics/telemetry --create --stop-after-idle 10s
"""
_MOST_MESSAGES: Final = 65_535  # the largest Receive Maximum of MQTT 5
_LONGEST_EXPIRY_S: Final = 0xFFFFFFFF  # which means forever


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument("url", metavar=URL, help="MQTT broker and topic filter, mqtt://HOST:PORT/TOPIC-FILTER or "
                        "mqtts:// for TLS; a level {name} matches like + and becomes the attribute name; without names "
                        "the last + is the device")  # fmt: skip
    add_destination_flags(parser)
    session = parser.add_argument_group("session at the MQTT broker")
    session.add_argument("--client-id", default="", metavar="ID", help="name of the session, for one bridge at a time "
                         "(default: a hash of topic filter and topic)")  # fmt: skip
    session.add_argument("--session-expiry", default="7d", metavar="DURATION", help="how long the broker keeps "
                         "messages while no bridge is connected; MQTT 5 only")  # fmt: skip
    session.add_argument("--mqtt-version", default="5", metavar="5|3.1.1", help="version of the protocol")
    session.add_argument("--max-unacknowledged", default="1000", metavar="N", help="maximum number of messages that "
                         "are received and not yet taken by Pub/Sub")  # fmt: skip
    tls = parser.add_argument_group("TLS")
    tls.add_argument("--ca-file", default="", metavar="FILE", help="PEM file of the certificates to trust (default: "
                     "those of the system)")  # fmt: skip
    tls.add_argument("--cert-file", default="", metavar="FILE", help="PEM file of this client's certificate")
    tls.add_argument("--key-file", default="", metavar="FILE", help="PEM file of its key (default: in --cert-file)")
    messages = parser.add_argument_group("messages")
    messages.add_argument("--message-key", default="sequence", metavar="sequence|content", help="key by which a job "
                          "with --dedup removes duplicates: a number in this run, or a hash of topic and payload, "
                          "which also finds what MQTT delivers again, if payloads hold their time")  # fmt: skip
    messages.add_argument("--ordering-keys", default="", metavar="N", help="number of ordering keys that devices "
                          "share; a request to Pub/Sub has one (default: one for each device)")  # fmt: skip
    messages.add_argument("--skip-retained", action="store_true", help="do not publish retained messages, which are "
                          "older than the subscription")  # fmt: skip
    messages.add_argument(FLAG, default="", metavar="FOLDER", help="folder for messages that Pub/Sub does not take; "
                          "without it they are left with the MQTT broker")  # fmt: skip
    end = parser.add_argument_group("end")
    end.add_argument("--limit", default="", metavar="N", help="maximum number of messages")
    end.add_argument("--stop-after-idle", default="", metavar="DURATION", help="end when no message has come for so "
                     "long")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Bridge, print the summary, and return the exit code, 1 if a message could not be published.

    Must be called from the main thread, for it handles SIGINT and SIGTERM.

    Raises:
        ConfigError: if an option cannot be used; nothing was published then.
        TelemetryError: after the summary, if the bridge could not go on.
    """
    settings, pattern = make_settings(options)
    plan = make_plan(options, pattern)
    letters = BridgeLetters(options.dead_letters, plan.run_id) if options.dead_letters else None
    topic = ReplayTopic(options.topic, ordered=True)
    with contextlib.closing(topic):
        if options.create:
            create_destination(topic, options, ordered=True)
        else:  # a gateway's account may publish without the right to look at the topic
            check_topic("--topic", options.topic)
        session = BridgeSession(
            settings, plan, topic, letters, lambda line: sys.stderr.write(f"{options.program}: {line}\n")
        )
        began = time.perf_counter()
        with stopping(session.stop):
            session.run()
        seconds = time.perf_counter() - began
    summary = summarise(session, plan.run_id, settings.client_id, seconds)
    write_result(msgspec.json.encode(summary).decode() + "\n", f"{session.sender.rows:,} rows were published")
    if session.error:
        raise TelemetryError(session.error)
    return FAILURE if session.messages_refused else SUCCESS


def summarise(session: BridgeSession, run_id: str, client_id: str, seconds: float) -> dict[str, Any]:
    """Return the summary of a run; rows_read = rows_published + failed."""
    delivery, receiver = session.sender, session.receiver
    return {
        "run_id": run_id,
        "rows_read": session.rows_read,
        "rows_published": delivery.rows,
        "messages": delivery.messages,
        "bytes": delivery.bytes,
        "failed": delivery.failed_rows + session.refused_rows,
        "messages_received": receiver.received,
        "messages_refused": session.messages_refused,
        "redelivered": receiver.redelivered,
        "retained": receiver.retained,
        "retained_skipped": session.skipped,
        "qos_0": receiver.unsafe,
        "connections": receiver.connections,
        "sessions_lost": receiver.sessions_lost,
        "interrupted": session.interrupted,
        "seconds": round(seconds, 3),
        "rows_per_second": round(delivery.rows / seconds) if seconds else 0,
        "client_id": client_id,
    }


def make_settings(options: argparse.Namespace) -> tuple[MqttSettings, TopicPattern]:
    """Return whom to connect to, and the pattern of topics, that the options describe.

    Raises:
        ConfigError: naming the option, its value and what is wrong with it.
    """
    address, pattern = parse_address(options.url)
    check_destination_names(options)
    if options.mqtt_version not in get_args(MqttVersion):
        raise ConfigError("--mqtt-version", options.mqtt_version, "must be 5 or 3.1.1")
    expiry_us = read_duration("--session-expiry", options.session_expiry, least_us=1_000_000)
    settings = MqttSettings(
        address,
        read_login(address, options.ca_file, options.cert_file, options.key_file),
        options.client_id or _default_client_id(pattern.topic_filter, options.topic),
        pattern.topic_filter,
        options.mqtt_version,
        read_whole("--max-unacknowledged", options.max_unacknowledged, _MOST_MESSAGES),
        min(expiry_us // 1_000_000, _LONGEST_EXPIRY_S),
        options.skip_retained,
    )
    return settings, pattern


def make_plan(options: argparse.Namespace, pattern: TopicPattern) -> BridgePlan:
    """Return how the options want messages to be bridged.

    Raises:
        ConfigError: naming the option, its value and what is wrong with it.
    """
    if options.message_key not in get_args(KeyKind):
        raise ConfigError("--message-key", options.message_key, "must be sequence or content")
    idle_us = read_duration("--stop-after-idle", options.stop_after_idle, 100_000) if options.stop_after_idle else None
    return BridgePlan(
        pattern,
        f"mqtt-{secrets.token_hex(6)}",  # another one for each start: numbers begin anew
        options.message_key,
        read_whole("--ordering-keys", options.ordering_keys, 100_000) if options.ordering_keys else None,
        options.skip_retained,
        read_whole("--limit", options.limit, 10**15) if options.limit else None,
        None if idle_us is None else idle_us / 1e6,
    )


def _default_client_id(topic_filter: str, topic: str) -> str:
    """Return a name that the next start of the same bridge has as well, of 22 characters; any broker takes 23."""
    name = "\0".join([topic_filter, topic]).encode()
    return f"telemetry-{hashlib.blake2b(name, digest_size=6).hexdigest()}"
