try_cast(regexp_replace(replace(upper(${text}), ',', '.'),
    '\s*(UTC|GMT|Z|[+-]\d{2}(:\d{2})?|([+-]\d{2})(\d{2}))$',
    CASE WHEN regexp_matches(${text}, '[+-]\d{4}$') THEN '\3:\4'
         WHEN regexp_matches(${text}, '(Z|UTC|GMT)$', 'i') THEN 'Z'
         ELSE '\1' END) AS TIMESTAMPTZ)
