CASE
    WHEN fault IS NOT NULL THEN fault
    WHEN instant IS NOT NULL AND coalesce(conversation_id, contact_id) IS NULL
        THEN 'has neither a conversation_id nor a contact_id'
    WHEN instant IS NOT NULL THEN NULL
    WHEN occurred_at IS NULL THEN 'occurred_at is empty'
    WHEN any_instant < TIMESTAMPTZ '200000-01-01 (BC) 00:00:00+00'
        OR wall < TIMESTAMP '200000-01-01 (BC) 00:00:00' THEN 'occurred_at is infinite'
    WHEN any_instant IS NOT NULL OR wall < TIMESTAMP '0001-01-01'
        THEN ${shown} || 'is before 2000 or after 2099'
    WHEN is_skipped THEN ${shown} || 'does not exist: the clocks were put forward over it'
    WHEN regexp_matches(occurred_at::TEXT, '${no_date}', 'i') THEN ${shown} || 'is no date'
    WHEN wall IS NOT NULL THEN ${shown} || 'has no zone; set `timezone` of the source'
    WHEN regexp_matches(occurred_at::TEXT, '${digits_only}')
        THEN ${shown} || 'has digits only; if it is a time, set `time_format: "%Y%m%d%H%M"` of the source'
    ELSE ${shown} || 'is not a valid time; set `time_format` of the source'
    END
