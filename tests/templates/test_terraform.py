"""templates/terraform: formatted, consistent in itself and with the job, and with no more rights than the job needs."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import hcl2
import pytest

from pipeline.arguments import build_parser
from telemetry.model.dead_letters import Reason
from templates.__main__ import main
from tests.support import needs
from transforms import counters

FOLDER: Final = Path(__file__).parents[2] / "templates" / "terraform"
SOURCES: Final = sorted(FOLDER.glob("*.tf"))
EXAMPLE: Final = FOLDER / "terraform.tfvars.example"
README: Final = (FOLDER / "README.md").read_text(encoding="utf-8")
Address = tuple[str, str]
Block = dict[str, Any]


def plain(value: Any) -> Any:
    """Return the parsed file, with quotes removed and without the parser's keys; an expression stays ``${…}``."""
    if isinstance(value, dict):
        own = ("__is_block__", "__comments__", "__inline_comments__")
        return {plain(key): plain(item) for key, item in value.items() if key not in own}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value


def parse(text: str) -> Block:
    return dict(plain(hcl2.loads(text)))


FILES: Final = {path.name: parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def blocks(kind: str) -> Iterator[Block]:
    for content in FILES.values():
        yield from content.get(kind, [])


def named(kind: str) -> dict[str, Block]:
    return {name: body for block in blocks(kind) for name, body in block.items()}


VARIABLES: Final = named("variable")
OUTPUTS: Final = named("output")
LOCALS: Final = {name: value for block in blocks("locals") for name, value in block.items()}
RESOURCES: Final[dict[Address, Block]] = {
    (kind, name): body for block in blocks("resource") for kind, names in block.items() for name, body in names.items()
}


def of_type(kind: str) -> dict[str, Block]:
    return {name: body for (found, name), body in RESOURCES.items() if found == kind}


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace('\\"', '"')


def expanded(value: Any) -> str:
    """An expression with the locals that it names written out."""
    text = text_of(value)
    while found := re.search(r"\blocal\.(\w+)", text):
        text = text.replace(found.group(), text_of(LOCALS[found.group(1)]))
    return text


def words(prefix: str, value: Any) -> set[str]:
    return set(re.findall(rf"\b{prefix}\.(\w+)", text_of(value)))


def references(value: Any) -> set[Address]:
    return set(re.findall(r"\b(google_\w+)\.(\w+)", text_of(value)))


def run(*args: str, folder: Path, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    program = str(needs.TERRAFORM.path())
    # A person's settings of Terraform stay out, but for where providers lie.
    keep = ("TF_PLUGIN_CACHE_DIR", "TF_REATTACH_PROVIDERS")
    settings = {name: value for name, value in os.environ.items() if not name.startswith("TF_") or name in keep}
    settings |= {"TF_REGISTRY_DISCOVERY_RETRY": "0", "TF_REGISTRY_CLIENT_TIMEOUT": "5", "TF_IN_AUTOMATION": "1"}
    command = [program, *args, "-no-color"] if args[0] != "fmt" else [program, *args]
    return subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=timeout
    )


def copied(folder: Path) -> Path:
    for path in SOURCES:
        shutil.copy(path, folder)
    shutil.copy(EXAMPLE, folder / "terraform.tfvars")
    return folder


@needs.TERRAFORM.mark
def test_terraform_fmt(tmp_path: Path) -> None:
    done = run("fmt", "-check", "-diff", "-recursive", folder=copied(tmp_path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@needs.TERRAFORM.mark
def test_terraform_validate(tmp_path: Path) -> None:
    copied(tmp_path)
    try:
        begun = run("init", "-backend=false", "-input=false", folder=tmp_path, timeout=120)
    except subprocess.TimeoutExpired:
        needs.PROVIDERS.skip("no answer")
    if begun.returncode and re.search(r"could not connect to|Failed to install provider|no such host", begun.stderr):
        needs.PROVIDERS.skip()
    assert begun.returncode == 0, begun.stderr
    done = run("validate", folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [*SOURCES, EXAMPLE], ids=lambda path: path.name)
def test_formatting_that_needs_no_terraform(path: Path) -> None:
    problems: list[str] = []
    group: list[tuple[int, int]] = []  # indent and column of = of the lines before that belong together
    heredoc = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if heredoc:
            heredoc = "" if line.strip() == heredoc else heredoc
            continue
        indent = len(line) - len(line.lstrip(" "))
        if "\t" in line or line != line.rstrip() or indent % 2:
            problems.append(f"{path.name}:{number}: tabs, trailing spaces or an odd indent")
        begun = re.search(r"<<-?(\w+)$", line)
        heredoc = begun.group(1) if begun else ""
        assigned = re.match(r'\s*[\w".-]+ *(?<= )(?==[^=>~])', line)
        whole = assigned is not None and not line.rstrip().endswith(("{", "[", "(", "&&", "?"))
        if not whole or assigned is None:
            group = []
            continue
        group = [*(group if group and group[-1][0] == indent else []), (indent, assigned.end())]
        if len({column for _, column in group}) > 1:
            problems.append(f"{path.name}:{number}: = is not below the = of the line before")
    assert problems == []


def test_every_variable_is_typed_described_and_used() -> None:
    assert [name for name, body in VARIABLES.items() if not body.get("type") or not body.get("description")] == []
    used: set[str] = set()
    for content in FILES.values():
        used |= words("var", {kind: body for kind, body in content.items() if kind != "variable"})
    assert used == set(VARIABLES)
    for name, body in VARIABLES.items():
        for validation in body.get("validation", []):
            assert words("var", validation["condition"]) == {name}  # more is not allowed before Terraform 1.9
            assert validation["error_message"].endswith(".")


def test_every_output_is_described() -> None:
    assert [name for name, body in OUTPUTS.items() if not body.get("description")] == []


def test_every_reference_leads_somewhere() -> None:
    assert references(FILES) <= set(RESOURCES)
    used = words("local", FILES)
    assert used == set(LOCALS)
    for folder in re.findall(r"local\.folders\.(\w+)", text_of(FILES)):
        assert folder in LOCALS["folders"]


def test_only_the_project_has_to_be_given() -> None:
    assert [name for name, body in VARIABLES.items() if "default" not in body] == ["project"]
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    examples = "\n".join(line.removeprefix("# ") if re.match(r"# \w+ += ", line) else line for line in lines)
    given = parse(examples)
    assert set(given) <= set(VARIABLES)
    assert {"project", "launch", "job_parameters", "alert_thresholds"} <= set(given)
    assert set(given["job_parameters"]) <= flags()


def test_nothing_is_made_before_its_service_is_enabled() -> None:
    enabled = ("google_project_service", "enabled")
    reached = {address: references(expanded(body)) - {address} for address, body in RESOURCES.items()}
    assert [address for address, others in reached.items() if not others and address != enabled] == []
    first = [address for address, others in reached.items() if others == {enabled}]
    assert len(first) >= 8


def test_labels_are_the_same_everywhere() -> None:
    unlabelled = re.compile(r"google_(project_service|service_account|project_iam_custom_role|\w+_iam_member)")
    for (kind, name), body in RESOURCES.items():
        if not unlabelled.fullmatch(kind):
            key = "user_labels" if kind == "google_monitoring_alert_policy" else "labels"
            assert (kind, name, body.get(key)) == (kind, name, "${local.labels}")


def test_no_secrets() -> None:
    assert of_type("google_service_account_key") == {}
    secret = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|AIza[\w-]{30}|(?i:password|passwd|secret|api_?key|credentials)\s*=")
    paths = [*SOURCES, EXAMPLE, FOLDER / "README.md"]
    assert [path.name for path in paths if secret.search(path.read_text(encoding="utf-8"))] == []
    ignored = (FOLDER / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".terraform/", "*.tfstate", "*.tfstate.*", "*.tfplan", "terraform.tfvars"} <= set(ignored)


RIGHTS: Final = {
    ("google_project_iam_member", "worker"): {"roles/bigquery.jobUser", "roles/dataflow.worker"},
    ("google_project_iam_member", "watermark"): set[str](),  # of the custom role
    ("google_pubsub_subscription_iam_member", "worker"): {"roles/pubsub.subscriber", "roles/pubsub.viewer"},
    ("google_pubsub_topic_iam_member", "worker"): {"roles/pubsub.publisher"},
    ("google_pubsub_topic_iam_member", "watermark"): {"roles/pubsub.subscriber", "roles/pubsub.viewer"},
    ("google_pubsub_topic_iam_member", "publishers"): {"roles/pubsub.publisher"},
    ("google_storage_bucket_iam_member", "worker"): {"roles/storage.objectAdmin"},
    ("google_bigquery_dataset_iam_member", "worker"): {"roles/bigquery.dataEditor"},
    ("google_artifact_registry_repository_iam_member", "worker"): {"roles/artifactregistry.reader"},
    ("google_service_account_iam_member", "launchers"): {"roles/iam.serviceAccountUser"},
}


def test_rights_are_these_and_no_others() -> None:
    granted = {address: body for address, body in RESOURCES.items() if "_iam_" in address[0]}
    custom = granted.pop(("google_project_iam_custom_role", "watermark"))
    assert custom["permissions"] == [
        f"pubsub.subscriptions.{verb}" for verb in ("consume", "create", "delete", "get")
    ]  # and none on topics, and no update
    assert {address: set(re.findall(r"roles/[\w.]+", text_of(body))) for address, body in granted.items()} == RIGHTS
    people = {"launchers": "${each.value}", "publishers": "${each.value}"}
    assert {address: body["member"] for address, body in granted.items()} == {
        address: people.get(address[1], "${local.worker}") for address in granted
    }
    assert "allUsers" not in text_of(FILES)
    assert "allAuthenticatedUsers" not in text_of(FILES)
    roles = re.compile(
        r"roles/(owner|editor|viewer|storage\.admin|pubsub\.(admin|editor)|bigquery\.admin|dataflow\.admin)"
    )
    assert roles.search(text_of(list(RESOURCES.values()))) is None


def test_the_job_starts_after_its_rights() -> None:
    (job,) = of_type("google_dataflow_flex_template_job").values()
    workers = {address for address in RIGHTS if address[1] not in {"launchers", "publishers"}}
    assert references(job["depends_on"]) == workers


def flags() -> set[str]:
    """The job's flags as parameters of a template are called."""
    return {
        option.removeprefix("--").replace("-", "_")
        for action in build_parser()._actions
        for option in action.option_strings
        if option.startswith("--") and action.dest != "help"
    }


def test_the_job_is_optional_and_its_parameters_are_flags() -> None:
    (job,) = of_type("google_dataflow_flex_template_job").values()
    assert (job["provider"], job["count"]) == ("google-beta", "${var.launch ? 1 : 0}")
    assert VARIABLES["launch"]["default"] is False
    assert job["parameters"] == OUTPUTS["parameters"]["value"] == "${local.parameters}"
    assert LOCALS["parameters"] == "${merge(local.defaults, var.job_parameters, local.connections)}"
    assert {**LOCALS["defaults"], **LOCALS["connections"]}.keys() <= flags()
    assert {name: references(expanded(value)) for name, value in LOCALS["connections"].items()} == {
        "subscription": {("google_pubsub_subscription", "telemetry")},
        "output": {("google_storage_bucket", "data")},
        "bigquery": {("google_bigquery_dataset", "results")},
        "alerts_topic": {("google_pubsub_topic", "alerts")},
        "dead_letter_topic": {("google_pubsub_topic", "dead_letters")},
    }


ATTRIBUTES: Final = {
    "google_pubsub_subscription.telemetry.id": "projects/my-project/subscriptions/telemetry",
    "google_pubsub_topic.alerts.id": "projects/my-project/topics/telemetry-alerts",
    "google_pubsub_topic.dead_letters.id": "projects/my-project/topics/telemetry-dead-letters",
    "google_service_account.worker.email": "telemetry-worker@my-project.iam.gserviceaccount.com",
    "google_bigquery_dataset.results.dataset_id": "telemetry",
}
"""Attributes that only the provider sets, according to its documentation."""


def evaluated(text: str) -> str:
    """A text with what it names put in: variables by their defaults, and names of things as they are set."""

    def value(match: re.Match[str]) -> str:
        kind, _, rest = match.group(1).partition(".")
        if match.group(1) in ATTRIBUTES:
            return ATTRIBUTES[match.group(1)]
        if kind == "var":
            return "my-project" if rest == "project" else str(VARIABLES[rest]["default"])
        if kind == "local":
            first, _, second = rest.partition(".")
            return str(LOCALS[first][second] if second else LOCALS[first])
        name, _, attribute = rest.partition(".")
        return str(RESOURCES[kind, name][attribute])

    while (put_in := re.sub(r"\$\{([a-z_.]+)\}", value, text)) != text:
        text = put_in
    return text


@pytest.mark.parametrize("command", ["build", "run"])
def test_next_commands_are_understood(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER.parents[1])
    value = OUTPUTS[f"{command}_command"]["value"].replace("\\", "")
    assert f'"python -m templates {command}"' in value
    conditional = {"--subnetwork=${var.subnetwork}", "--disable-public-ips", "--parameters"}
    args = [evaluated(word) for word in re.findall(r'"(--[^"]+)"', value) if word not in conditional]
    if command == "run":
        parameters = {**LOCALS["defaults"], **LOCALS["connections"]}
        args += ["--subnetwork=regions/europe-west1/subnetworks/a", "--disable-public-ips", "--parameters"]
        args += [f"{name}={evaluated(text)}" for name, text in parameters.items()]
    extra = ["--context", str(tmp_path / "context")] if command == "build" else []
    assert main([command, "--dry-run", *extra, *args]) == 0, capsys.readouterr().err
    shown = shlex.split(capsys.readouterr().out)
    assert "--project=my-project" in shown
    if command == "run":
        assert "--parameters=output=gs://my-project-telemetry/results" in shown
        assert "--service-account-email=telemetry-worker@my-project.iam.gserviceaccount.com" in shown


def test_subscription_keeps_order_and_what_was_read_and_never_expires() -> None:
    subscription = of_type("google_pubsub_subscription")["telemetry"]
    assert subscription["enable_message_ordering"] is True
    assert subscription["retain_acked_messages"] is True
    assert subscription["message_retention_duration"] == "${local.retention}"
    assert subscription["expiration_policy"] == [{"ttl": ""}]
    for absent in ("dead_letter_policy", "retry_policy", "enable_exactly_once_delivery"):
        assert absent not in subscription


def test_bucket_is_private_and_forgets_only_what_it_may() -> None:
    (bucket,) = of_type("google_storage_bucket").values()
    assert bucket["uniform_bucket_level_access"] is True
    assert bucket["public_access_prevention"] == "enforced"
    rules = {}
    for rule in bucket["lifecycle_rule"]:
        (action,), (condition,) = rule["action"], rule["condition"]
        prefixes = [re.sub(r"\$\{local\.folders\.(\w+)\}", lambda match: LOCALS["folders"][match.group(1)], text)
                    for text in condition.get("matches_prefix", [])]  # fmt: skip
        rules[(action["type"], *prefixes)] = condition["age"]
    assert rules == {
        ("Delete", "results/readings/"): "${var.readings_days}",
        ("Delete", "temp/"): 14,
        ("Delete", "staging/"): "${var.staging_days}",
        ("AbortIncompleteMultipartUpload",): 7,
    }
    assert LOCALS["results_url"].endswith("/${local.folders.results}")


def test_tables_are_left_to_the_job() -> None:
    (dataset,) = of_type("google_bigquery_dataset").values()
    assert dataset["location"] == of_type("google_storage_bucket")["data"]["location"] == "${var.region}"
    assert [kind for kind, _ in RESOURCES if kind.startswith("google_bigquery")] == [
        "google_bigquery_dataset",
        "google_bigquery_dataset_iam_member",
    ]


METRICS: Final = {
    "data_freshness": {"dataflow.googleapis.com/job/data_watermark_age"},
    "system_lag": {"dataflow.googleapis.com/job/system_lag"},
    "backlog": {
        "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
        "pubsub.googleapis.com/subscription/num_undelivered_messages",
    },
    "dead_letters": {"dataflow_googleapis_com:job_user_counter"},
    "job_failed": {"dataflow.googleapis.com/job/is_failed"},
}


def test_alerts_cover_what_can_go_wrong() -> None:
    policies = of_type("google_monitoring_alert_policy")
    metric = re.compile(r"\w+\.googleapis\.com/\w+/\w+|\w+_googleapis_com:\w+")
    assert {name: set(metric.findall(expanded(body["conditions"]))) for name, body in policies.items()} == METRICS
    resource = {"backlog": 'resource.type = "pubsub_subscription"', "dead_letters": 'monitored_resource="dataflow_job"'}
    for name, body in policies.items():
        assert resource.get(name, 'resource.type = "dataflow_job"') in expanded(body["conditions"]).replace("\\", "")
        assert body["notification_channels"] == "${var.notification_channels}"
        (documentation,) = body["documentation"]
        assert documentation["content"].endswith(".")
    thresholds = set(re.findall(r"alert_thresholds\.(\w+)", text_of(policies)))
    assert thresholds == set(re.findall(r"(\w+)\W+optional", text_of(VARIABLES["alert_thresholds"]["type"])))


def test_dead_letters_are_told_by_the_names_of_the_counters() -> None:
    matchers = {
        name: re.compile(re.findall(r'metric_name=~"([^"]+)"', LOCALS[name].replace("\\", ""))[0])
        for name in ("dead_letters", "all_lines")
    }
    letters = {f"{counters.DEAD_LETTERS}/{reason}" for reason in Reason}
    names = {value for name, value in vars(counters).items() if name.isupper() and isinstance(value, str)} | letters
    found = {name: {counter for counter in names if matcher.fullmatch(counter)} for name, matcher in matchers.items()}
    assert found == {"dead_letters": letters, "all_lines": letters | {counters.ROWS_DECODED}}


def test_readme_lists_the_alerts() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", README, flags=re.MULTILINE)
    assert {name for name, _, _ in rows} == set(METRICS)
    for name, _, told in rows:
        for metric in METRICS[name] - METRICS["dead_letters"]:
            assert metric in told or metric.rpartition("/")[2] in told
