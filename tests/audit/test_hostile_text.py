"""Texts of strangers in every column: each output is opened as people open it, and read back as programs do."""

import csv
import io
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode
from zipfile import ZipFile

import openpyxl
import pikepdf
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Dialog, Page

from assets.archive.archive import Archive
from assets.archive.metadata import check_results, report_metadata
from assets.archive.publish import Published
from assets.archive.resource import ArchiveResource
from assets.render.untrusted_text import limit_marks
from assets.runtime.spreadsheet_cells import unprotect_cells
from tests.audit.conftest import Tally
from tests.audit.hostile_text import FETCH, FORMULAS, MAIL, MARKUP, TEXT, WORDS
from tests.orchestration.command_line import CommandLine

LAST_DAY = date(2026, 11, 3)
ROLES = ("previous_assignee", "assignee", "assigned_by")
HEADER = (
    *("event_id", "occurred_at", "conversation_id", "contact_id", "contact_name", "assignee_kind", "source"),
    *(f"{role}_{part}" for role in ROLES for part in ("id", "name")),
)
CANARY = "the content of a file of the machine"
ATTACKS = [*MARKUP, *WORDS, *FORMULAS, *MAIL, *TEXT, *FETCH]
FORMULA = re.compile("^[\\s\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20|%]")
CONFIG = """
lake: ./lake
archive: ./out
smtp: {{host: 127.0.0.1, security: none, sender: reports@acme.example}}
workspaces:
  - slug: acme
    name: {name}
    timezone: America/New_York
    first_day: 2026-10-01
    pdf_log_rows: all
    max_rejected_pct: 100
    language: {language}
    brand: {{footer: {name}}}
    source: {{type: files, path: "events/*.csv"}}
    notes: [{{day: 2026-11-02, text: {name}}}]
    teams: {{{name}: [Bob]}}
    reports: [{{name: mine, preset: last_7_days, title: {name}}}]
    subscriptions:
      - {{name: managers, reports: [mine], recipients: [ann@acme.example], attach: [csv]}}
      - {{name: chat, reports: [mine], slack: {{url: "https://chat.example/x"}}}}
"""


@dataclass
class Outputs:
    """What was made of an inbox full of attacks, and what a watched address was asked for meanwhile."""

    command_line: CommandLine
    texts: list[str]
    host: str
    requests: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.command_line.folder / "out" / "acme"

    def version(self, report: str) -> Path:
        return next((self.folder / report / str(LAST_DAY)).glob("v*"))

    def file(self, name: str) -> bytes:
        return (self.version("mine") / name).read_bytes()

    def mail(self) -> EmailMessage:
        (path,) = (self.command_line.folder / "mails").glob("*.eml")
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        return mail


def name_of(number: int) -> str:
    return f"{number}: {ATTACKS[number][:60]!r}" if number < len(ATTACKS) else "a text of the configuration"


def rows_of(texts: list[str]) -> Iterator[dict[str, str]]:
    """Yield for each text its assignments to itself, away and back, with the text in every column."""
    for number, text in enumerate(texts):
        at = datetime(2026, 11, 1, 12) + timedelta(seconds=10 * number)  # noqa: DTZ001 - a wall clock
        for step, (before, now) in enumerate((("", text), (text, "Bob"), ("Bob", text))):
            yield {
                "event_id": f"{text}{step}",
                "occurred_at": f"{at + timedelta(seconds=step)}-05:00",
                "conversation_id": text,
                "contact_id": text,
                "contact_name": text,
                "assignee_kind": text,
                "source": text,
                "previous_assignee_name": before,
                "assignee_name": now,
                "assigned_by_id": text,
                "assigned_by_name": text,
            }
        yield {"event_id": f"{text}x", "occurred_at": text, "contact_id": text, "assignee_name": text}


def write_inbox(folder: Path, texts: list[str]) -> None:
    (folder / "events").mkdir()
    for name in ("a.csv", "<img src=x onerror=(window.owned='owned-999-')>.csv"):
        with (folder / "events" / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerows(rows_of(texts if name == "a.csv" else texts[:1]))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outputs]:
    """Every output of an inbox whose every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.txt").write_text(CANARY)
    with watched_address() as (host, requests):
        texts = [
            text.format(
                run=f"window.owned=(window.owned||'')+'owned-{number}-'",
                url=f"http://{host}/owned-{number}-",
                host=f"{host}/owned-{number}-",
                file=(folder / "secret.txt").as_uri(),
            )
            for number, text in enumerate(ATTACKS)
        ]
        write_inbox(folder, texts)
        name = f"</title><img src=http://{host}/owned-998- onerror=window.owned='owned-998-'>"
        (folder / "reports.yaml").write_text(CONFIG.format(name=json.dumps(name), language="en"))
        command_line = CommandLine(folder)
        made = command_line.call("run", "--report-date", str(LAST_DAY), "--preset=mine", "--preset=explorer")
        assert made.returncode == 0, made.stderr
        for subscription in ("managers", "chat"):
            done = command_line.call(
                "preview", subscription, "--to", "mails" if subscription == "managers" else "chats"
            )
            assert done.returncode == 0, done.stderr
        yield Outputs(command_line, texts, host, requests)


@contextmanager
def watched_address() -> Iterator[tuple[str, list[str]]]:
    """Start a web server on loopback; yield its host and port, and what is asked of it."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


@dataclass
class Opened:
    """A document in the browser, and whatever it complained of or asked the network for."""

    page: Page
    path: Path
    complaints: list[str] = field(default_factory=list)

    def note_request(self, address: str) -> None:
        if not address.startswith(("data:", "blob:", self.path.as_uri())):
            self.complaints.append(f"asks for {address}")

    def note_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"asks {dialog.message}")
        dialog.dismiss()

    def found(self) -> str:
        """Return what scripts of strangers left in the document, and its complaints."""
        owned = self.page.evaluate("window.owned || ''")
        return " ".join([f"runs {owned}" if owned else "", *self.complaints]).strip()


@contextmanager
def open_document(
    browser: Browser, path: Path, *, has_policy: bool, has_script: bool = True
) -> Iterator[Opened]:
    """Open a document; without its content security policy, nothing but its escaping protects it."""
    context = browser.new_context(bypass_csp=not has_policy, java_script_enabled=has_script)
    opened = Opened(context.new_page(), path)
    opened.page.on("console", lambda message: opened.complaints.append(f"says {message.text}"))
    opened.page.on("pageerror", lambda error: opened.complaints.append(f"fails {error}"))
    opened.page.on("dialog", opened.note_dialog)
    opened.page.on("request", lambda asked: opened.note_request(asked.url))
    opened.page.goto(path.as_uri())
    yield opened
    context.close()


def outcomes_of(output: str, found: str) -> dict[str, str]:
    """Return the harm of each attack in one output, where *found* names those that did any."""
    outcomes = {f"{output}, {name_of(number)}": "" for number in range(len(ATTACKS))}
    harms = {int(number): found[:500] for number in re.findall(r"owned-(\d+)-", found)}
    if found and not harms:
        return outcomes | {output: found[:500]}
    return outcomes | {f"{output}, {name_of(number)}": harm for number, harm in harms.items()}


def use_page(page: Page) -> list[str]:
    """Page through the log, open every filter and some conversations; return the contacts that were shown."""
    page.wait_for_selector("html[data-ready]")
    page.get_by_label("Rows per page").select_option("500")
    shown: list[str] = []
    while True:
        shown += page.locator("table.log tbody tr td:nth-child(4)").all_text_contents()
        following = page.get_by_label("Next page")
        if following.is_disabled():
            break
        following.click()
    page.get_by_role("button", name="+ Add filter").click()
    for value in page.locator("#field option").evaluate_all("each => each.map(option => option.value)"):
        page.locator("#field").select_option(value)
        for text in ("", "script", "<", "="):
            page.locator("#search").fill(text)
    page.keyboard.press("Escape")
    address = page.url.partition("#")[0]
    for text in shown[:: len(shown) // 20]:
        for name in ("source", "assigned_to", "contact", "q"):
            page.goto(f"{address}#{urlencode({name: text})}")
            page.wait_for_selector("html[data-ready]")
    page.goto(address)
    for button in page.get_by_role("button", name="View conversation").all()[:5]:
        button.click()
        page.go_back()
    for mark in page.locator("[data-tip]").all()[:40]:
        mark.dispatch_event("mouseover")
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("has_policy", [True, False], ids=["with its policy", "without its policy"])
def test_a_page_runs_and_fetches_nothing_and_shows_each_text(
    outputs: Outputs, browser: Browser, tally: Tally, *, has_policy: bool
) -> None:
    with open_document(browser, outputs.version("mine") / "report.html", has_policy=has_policy) as opened:
        shown = {*use_page(opened.page)}
        found = opened.found()
    log = pq.read_table(pa.BufferReader(outputs.file("log.parquet")))
    short = [text for text in log["contact_name"].to_pylist() if text and limit_marks(text) == text]
    outcomes = outcomes_of("page", found)
    outcomes |= {f"shown, {text[:60]!r}": "" if text in shown else "is not shown" for text in {*short}}
    tally(
        f"texts of strangers on a page in Chromium, {'with' if has_policy else 'without'} its policy",
        outcomes,
    )


def test_other_documents_run_and_fetch_nothing(
    outputs: Outputs, browser: Browser, tally: Tally, tmp_path: Path
) -> None:
    body = outputs.mail().get_body(("html",))
    assert body
    (tmp_path / "mail.html").write_text(body.get_content(), encoding="utf-8")
    documents = {
        "mail": tmp_path / "mail.html",
        "index": outputs.folder / "index.html",
        "list of workspaces": outputs.folder.parent / "index.html",
        "explorer": outputs.version("explorer") / "report.html",
    }
    outcomes: dict[str, str] = {}
    for name, path in documents.items():
        with open_document(browser, path, has_policy=False) as opened:
            opened.page.wait_for_load_state("networkidle")
            outcomes |= outcomes_of(name, opened.found())
    with open_document(
        browser, outputs.version("mine") / "report.html", has_policy=False, has_script=False
    ) as opened:
        outcomes |= outcomes_of("page without script", " ".join(opened.complaints))
    outcomes |= outcomes_of("everything that was made", " ".join(outputs.requests))
    tally("texts of strangers in mail, index, explorer and on paper in Chromium", outcomes)


FORBIDDEN = {"/Launch", "/JavaScript", "/JS", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/RichMedia", "/AA", "/OpenAction"}  # fmt: skip


def test_a_pdf_acts_on_nothing_and_shows_each_text(outputs: Outputs, tally: Tally) -> None:
    content = outputs.file("report.pdf")
    outcomes = dict.fromkeys((f"pdf, {name_of(number)}" for number in range(len(ATTACKS))), "")
    with pikepdf.open(io.BytesIO(content)) as pdf:
        for each in pdf.objects:
            if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
                names = {str(key) for key in each} | {str(each.get("/S", ""))}
                for harm in names & FORBIDDEN:
                    outcomes[f"pdf, {harm}"] = "is there"
                if "/URI" in each:
                    outcomes[f"pdf, {each['/URI']}"] = "is a link"
            if isinstance(each, pikepdf.Stream) and CANARY.encode() in each.read_bytes():
                outcomes["pdf, a file of the machine"] = "is in it"
    printed = pdf_text(content)
    for number, text in enumerate(outputs.texts):
        plain = "".join(text.split())
        if plain.isascii() and plain.isprintable() and len(plain) < 200 and plain not in printed:
            outcomes[f"pdf, {name_of(number)}"] = "is not shown"
    tally("texts of strangers in a PDF", outcomes)


def pdf_text(content: bytes) -> str:
    """Return the text of a PDF without white space."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def test_files_for_programs_have_texts_and_no_formulas(outputs: Outputs, tally: Tally) -> None:
    log = pq.read_table(pa.BufferReader(outputs.file("log.parquet")))
    names = log["contact_name"].fill_null("").to_pylist()
    found = [*csv.reader(io.StringIO(outputs.file("log.csv").decode("utf-8-sig"), newline=""))][1:]
    read_back = unprotect_cells(pa.array([row[3] for row in found], pa.string())).to_pylist()
    outcomes: dict[str, str] = {}
    for row, name, again in zip(found, names, read_back, strict=True):
        harm = "" if name == again else "is another text"
        if any(FORMULA.match(cell) and cell != "-" and not cell.startswith("\u200b") for cell in row):
            harm = "is a formula"
        outcomes[f"csv, {name[:60]!r}"] = outcomes.get(f"csv, {name[:60]!r}") or harm
    workbook = openpyxl.load_workbook(io.BytesIO(outputs.file("log.xlsx")))
    for sheet in workbook:
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
            key = f"xlsx, {sheet.title[:20]!r}, {str(cell.value)[:60]!r}"
            outcomes[key] = "is a formula" if cell.data_type == "f" or cell.hyperlink else ""
    with ZipFile(io.BytesIO(outputs.file("log.xlsx"))) as parts:
        for part in parts.namelist():
            is_live = b'TargetMode="External"' in parts.read(part) or "externalLink" in part or "vba" in part
            outcomes[f"xlsx, {part}"] = "leads outside" if is_live else ""
    json.loads((outputs.version("mine") / "report.json").read_bytes())
    tally("texts of strangers in CSV and XLSX, read back", outcomes)


def test_mails_and_chats_have_the_headers_and_marks_that_they_should(outputs: Outputs, tally: Tally) -> None:
    mail = outputs.mail()
    known = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted"}
    outcomes = {f"header {name}": "" for name in mail}
    for name in mail:
        value = str(mail[name])
        if len(mail.get_all(name) or ()) > 1 or "\n" in value or "evil.example" in value:
            outcomes[f"header {name}"] = value
    assert known <= {name.lower() for name in mail}
    outcomes["recipients"] = "" if str(mail["to"]) == "ann@acme.example" else str(mail["to"])
    for part in mail.walk():
        text = part.get_content() if part.get_content_type() == "text/plain" else ""
        outcomes[f"controls in {part.get_content_type()}"] = (
            "has some" if any(each in text for each in "\x00\x1b\x07\x9b") else ""
        )
    (chat,) = (outputs.command_line.folder / "chats").glob("*.json")
    message = chat.read_text(encoding="utf-8")
    json.loads(message)
    for mark in ("<!channel>", "<@U123>", "<!here>", f"<http://{outputs.host}"):
        outcomes[f"chat, {mark}"] = "is live" if mark in message else ""
    tally("texts of strangers in mails and chats", outcomes)


def test_the_ui_of_dagster_shows_short_plain_texts(outputs: Outputs, tally: Tally) -> None:
    (archived, *_) = [
        each for each, *_ in Archive(outputs.folder.parent).versions() if each.manifest.report == "mine"
    ]
    published = Published(archived.report(), archived)
    metadata = report_metadata(published, ArchiveResource(root=str(outputs.folder.parent)), None)
    texts = {name: str(value.value) for name, value in metadata.items()}
    texts |= {result.check_name or "": str(result.description) for result in check_results(published.report)}
    chart = texts["chart"].split("\n")
    outcomes = {name: "is too long" if len(text) > 20_000 else "" for name, text in texts.items()}
    outcomes["fence"] = (
        ""
        if [at for at, each in enumerate(chart) if each.strip("` ") == ""] == [0, len(chart) - 1]
        else "is open"
    )
    tally("texts of strangers in Dagster's UI", outcomes)
