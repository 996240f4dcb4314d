CREATE TEMP MACRO kind_of(who) AS CASE
    WHEN 'true' IN (who->>'$.isAiAgent', who->>'$.is_ai_agent', who->>'$.isAI') THEN 'ai_agent'
    ELSE coalesce(field(who, '$.type'), field(who, '$.kind'), field(who, '$.userType')) END
