-- How ../codes/villages.csv and ../codes/districts.csv are made from the area codes of 2014. From this folder: duckdb < derive.sql
-- (tests/examples runs it and compares). The file ends its lines with a bare CR and writes codes without their leading zeros.
CREATE TABLE areas AS
  SELECT position, part[2] || '.' || lpad(part[4], 2, '0') || '.' || lpad(part[6], 2, '0') AS district_code, part[5] AS city,
         part[7] AS district, part[8] AS number, part[9] AS village
  FROM (SELECT generate_subscripts(lines, 1) AS position, string_split(unnest(lines), ',') AS part
        FROM (SELECT string_split(content, chr(13)) AS lines FROM read_text('jakarta_area_codes_2014_cr_newlines.csv')))
  WHERE position > 1 AND len(part) > 8;
COPY (SELECT district_code || '.' || number AS code, village AS name, district_code FROM areas ORDER BY position)
  TO '../codes/villages.csv' (HEADER);
COPY (SELECT district_code AS code, any_value(district) AS name, any_value(city) AS city FROM areas GROUP BY ALL ORDER BY min(position))
  TO '../codes/districts.csv' (HEADER);
