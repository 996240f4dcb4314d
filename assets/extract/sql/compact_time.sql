regexp_replace(
    rpad(replace(regexp_extract(occurred_at, '^[0-9T]+'), 'T', ''), 14, '0'),
    '^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$', '\1-\2-\3 \4:\5:\6')
