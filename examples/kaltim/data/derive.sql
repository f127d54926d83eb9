-- How ../codes/kemendagri-areas.csv is made from the four code lists beside this file. From this folder: duckdb < derive.sql
-- (tests/examples runs it and compares). One list of every area of province 64, so that one contract can refer to it.
COPY (
  SELECT code, parent, name, level FROM (
    SELECT code, NULL AS parent, name, 'province' AS level FROM read_csv('provinces.csv', all_varchar = true) WHERE code = '64'
    UNION ALL
    SELECT code, province_code, name, 'regency' FROM read_csv('regencies.csv', all_varchar = true) WHERE province_code = '64'
    UNION ALL
    SELECT code, regency_code, name, 'district' FROM read_csv('districts.csv', all_varchar = true)
    UNION ALL
    SELECT code, district_code, name, 'village' FROM read_csv('villages.csv', all_varchar = true)
  ) ORDER BY code
) TO '../codes/kemendagri-areas.csv' (HEADER);
