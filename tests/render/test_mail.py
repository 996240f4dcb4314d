"""The bodies of a mail."""

from assets.render.mail import MailContext, mail_bodies
from tests.render.made_reports import make_report


def test_a_mail_about_hundreds_of_sources_is_not_cut_off() -> None:
    counts = {f"Workflow {n:04} - Übergabe an das Team für Rückfragen": 300 - n for n in range(230)}
    bodies = mail_bodies(make_report(counts), MailContext(version=1))
    assert len(bodies.html.encode()) < 102_000
    assert "190 more sources" in bodies.html
    assert "190 more sources" in bodies.text
