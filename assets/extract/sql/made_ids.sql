SELECT coalesce(event_id, 'row-' || left(sha256(concat_ws(chr(31), epoch_us(occurred_at), ${cells})), 32))
FROM placed ORDER BY place
