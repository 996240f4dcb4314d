CREATE TEMP TABLE told AS
SELECT event_id, make_timestamp(received_at)::TIMESTAMPTZ AS received_at, kind,
    coalesce(contact_id, field(body, '$.contact.id')) AS contact_id, body
FROM received
