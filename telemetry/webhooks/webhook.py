"""Describe a webhook as flags do, and open the way to it where transitions are delivered."""

import functools
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.errors import ConfigError, OutputError
from telemetry.storage.files import StorageError, read_file
from telemetry.webhooks.address import AddressError, check_address, expand_address, shown, variables_of
from telemetry.webhooks.body_template import BodyTemplate, TemplateTextError
from telemetry.webhooks.courier import Courier
from telemetry.webhooks.forms import FormName, TemplateForm, form_of
from telemetry.webhooks.post import post

FLAG = "--alerts-webhook"
"""Flag that names webhooks."""
TEMPLATE_FLAG = "--alerts-webhook-template"
"""Flag that names the file of a template."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as flags name it; it holds the names of variables, never their values.

    Attributes:
        address: with variables as ``${NAME}``.
        form: of its requests.
        template: text for other bodies, or "".
    """

    address: str = field(repr=False)
    form: FormName = "auto"
    template: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return the address as it may be shown."""
        return shown(self.address)

    @property
    def number(self) -> int:
        """Number that stands for the webhook in state: the same however many others there are."""
        return zlib.crc32(self.address.encode())

    @property
    def variables(self) -> list[str]:
        """Names of the variables that it needs."""
        return list(dict.fromkeys((*variables_of(self.address), *_variables_of_template(self.template))))


def read_webhooks(addresses: str, form: FormName, template: str) -> tuple[Webhook, ...]:
    """Return the webhooks that flags name; none if there are no addresses.

    Args:
        addresses: separated by commas.
        form: of their requests.
        template: path of a file on any Beam filesystem, or "".

    Raises:
        ConfigError: if an address or the template cannot be used; it shows no part of an address that may be secret.
    """
    named = [address.strip() for address in addresses.split(",")] if addresses else []
    if not named and template:
        raise ConfigError(TEMPLATE_FLAG, template, f"needs {FLAG}")
    if template and form == "alertmanager":
        raise ConfigError(TEMPLATE_FLAG, template, "Alertmanager's API takes one form only")
    text = _read_template(template) if template else ""
    for address in named:
        try:
            check_address(address, os.environ)
        except AddressError as error:
            raise ConfigError(FLAG, shown(address), str(error)) from None
        if named.count(address) > 1:
            raise ConfigError(FLAG, shown(address), "is given twice")
    return tuple(Webhook(address, form, text) for address in named)


def check_variables(webhook: Webhook) -> None:
    """Check that this process has the variables that a webhook needs.

    Raises:
        ConfigError: if it lacks one.
    """
    missing = next((name for name in webhook.variables if name not in os.environ), None)
    if missing is not None:
        raise ConfigError(FLAG, str(webhook), f"the variable {missing} is not set")


def open_courier(webhook: Webhook, now_s: Callable[[], float]) -> Courier:
    """Return the way to a webhook, with the variables of this process.

    Args:
        webhook: the webhook.
        now_s: returns the current time, seconds since the epoch.

    Raises:
        OutputError: if a variable is not set, or the expanded address cannot be used.
    """
    try:
        token = os.environ.get("TELEMETRY_WEBHOOK_TOKEN", "").strip()
        endpoint = expand_address(webhook.address, os.environ, token, _variables_of_template(webhook.template))
        form = form_of(webhook.form, endpoint.path, webhook.template)
        if isinstance(form, TemplateForm):
            check_variables(webhook)
    except (AddressError, ConfigError) as error:
        problem = error.problem if isinstance(error, ConfigError) else str(error)
        raise OutputError(f"{FLAG} {webhook}: {problem}") from None
    return Courier(form, functools.partial(post, endpoint), os.environ, lambda: int(1e6 * now_s()), time.monotonic)


def _read_template(path: str) -> str:
    try:
        text = read_file(path).decode("utf-8")
        BodyTemplate(text)
    except StorageError as error:
        raise ConfigError(TEMPLATE_FLAG, path, f"cannot be read: {error.problem}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(TEMPLATE_FLAG, path, "is not UTF-8") from error
    except TemplateTextError as error:
        raise ConfigError(TEMPLATE_FLAG, path, str(error)) from error
    return text


@functools.lru_cache(maxsize=8)
def _variables_of_template(text: str) -> tuple[str, ...]:
    return BodyTemplate(text).variables if text else ()
