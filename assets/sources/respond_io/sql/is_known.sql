CREATE TEMP MACRO is_known(who) AS is_nobody(who)
    OR coalesce(field(who, '$.id'), person(who), field(who, '$.email')) IS NOT NULL
