CREATE TEMP MACRO person(who) AS nullif(trim(concat_ws(' ',
    coalesce(field(who, '$.firstName'), field(who, '$.name')), field(who, '$.lastName'))), '')
