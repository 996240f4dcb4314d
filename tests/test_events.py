import pytest

from assets.events import SOURCE_LABELS, source_code, source_label


@pytest.mark.parametrize(("code", "label"), SOURCE_LABELS.items())
def test_a_source_is_known_by_its_code_and_by_its_label(code: str, label: str) -> None:
    assert source_code(code) == source_code(label) == source_code(f" {label.upper()} ") == code
    assert source_label(code) == label


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ("api", "developer_api"),
        ("dialogflow", "bot"),
        ("integromat", "make"),
        ("import", "contact_import"),
        ("ctc_ads", "click_to_chat_ad"),
    ],
)
def test_other_systems_names_are_read(alias: str, code: str) -> None:
    assert source_code(alias) == code


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        ("ai_agent", "ai_agent", "AI Agent"),
        ("AI Agent", "AI Agent", "AI Agent"),
        ("growth_widget", "growth_widget", "Growth Widget"),
        ("sms", "sms", "SMS"),
        ("whatsapp_api", "whatsapp_api", "WhatsApp API"),
        ("crm_sync_2", "crm_sync_2", "CRM Sync 2"),
        ("ivr", "ivr", "IVR"),
        ("faq_id_url_sla_sso_ctc", "faq_id_url_sla_sso_ctc", "FAQ ID URL SLA SSO CTC"),
        ("paid_aim", "paid_aim", "Paid Aim"),
        ("HubSpot sync", "HubSpot sync", "HubSpot sync"),
        ("Crm_sync", "Crm_sync", "Crm_sync"),
        ("growth-widget", "growth-widget", "growth-widget"),
        ("n8n", "n8n", "n8n"),
        ("की", "की", "की"),
        ("का", "का", "का"),
        ("e\u0301cho", "\u00e9cho", "\u00e9cho"),
        ("自动分配", "自动分配", "自动分配"),
        ("???", "???", "???"),
        ("", "unknown", "Unknown"),
        (None, "unknown", "Unknown"),
    ],
)
def test_an_unknown_source_keeps_a_label_of_its_own(text: str | None, code: str, label: str) -> None:
    assert source_code(text) == code
    assert source_label(code) == label
