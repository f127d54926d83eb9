-- How the two derived files of this folder are made from the files beside them. From this folder: duckdb < derive.sql
-- (tests/examples runs it and compares). Nothing is matched by likeness: every pair of differing names is written out.

CREATE TABLE asean_names(name VARCHAR, code VARCHAR);  -- the ASEAN Secretariat's names, ISO 3166-1 codes
INSERT INTO asean_names VALUES
  ('Brunei Darussalam', 'BN'), ('Cambodia', 'KH'), ('Indonesia', 'ID'), ('Lao PDR', 'LA'), ('Malaysia', 'MY'),
  ('Myanmar', 'MM'), ('Philippines', 'PH'), ('Singapore', 'SG'), ('Thailand', 'TH'), ('Timor-Leste', 'TL'),
  ('Viet Nam', 'VN');

CREATE TABLE geonames_names(city VARCHAR, name VARCHAR);  -- cities that GeoNames calls otherwise
INSERT INTO geonames_names VALUES
  ('Davao City', 'Davao'), ('Chonburi', 'Chon Buri'), ('Sihanoukville City', 'Sihanoukville');

CREATE TABLE not_in_geonames(city VARCHAR, lat VARCHAR, lon VARCHAR, source VARCHAR);
INSERT INTO not_in_geonames VALUES
  ('Seberang Perai', '5.3848', '100.3995', 'Nonarkara/ascn-smart-cities-network data/ascn-cities.json'),
  ('Cauayan City', '16.9299', '121.7663', 'Nonarkara/ascn-smart-cities-network data/ascn-cities.json');

-- cities-located.csv: cities.csv in its order, with a key, the country's code and coordinates
CREATE TABLE cities AS SELECT row_number() OVER () AS position, * FROM read_csv('cities.csv', all_varchar = true);
COPY (
  SELECT lower(replace(c.city, ' ', '-')) AS code, c.city, c.country, a.code AS country_code, c.joined, c.population,
         c.area_km2, coalesce(g.lat, o.lat) AS lat, coalesce(g.lon, o.lon) AS lon, g.geonameid,
         coalesce(o.source, 'GeoNames') AS location_source
  FROM cities c
  JOIN asean_names a ON a.name = c.country
  LEFT JOIN geonames_names n ON n.city = c.city
  LEFT JOIN not_in_geonames o ON o.city = c.city
  LEFT JOIN read_csv('asean_cities_geonames.csv', all_varchar = true) g
    ON g.country = a.code AND g.name = coalesce(n.name, c.city) AND o.city IS NULL
  ORDER BY c.position
) TO 'cities-located.csv' (HEADER);

-- countries.geojson: the outlines of asean_countries_50m.geojson with the facts of asean_countries.csv, in its order
CREATE TABLE countries AS SELECT row_number() OVER () AS position, * FROM read_csv('asean_countries.csv', all_varchar = true);
CREATE TABLE outlines AS
  SELECT feature ->> '$.properties.cca2' AS cca2, feature -> '$.geometry' AS geometry
  FROM (SELECT unnest(CAST(content AS JSON) -> '$.features[*]') AS feature FROM read_text('asean_countries_50m.geojson'));
COPY (
  SELECT '{"type": "FeatureCollection", "features": [' || chr(10) || string_agg(CAST(json_object(
           'type', 'Feature',
           'properties', json_object('code', c.cca2, 'alpha3', c.cca3, 'numeric', c.ccn3, 'name', a.name,
             'common_name', c.name, 'official_name', c.official_name, 'capital', c.capital, 'area_km2', c.area_km2,
             'languages', c.languages, 'currencies', c.currencies),
           'geometry', o.geometry) AS VARCHAR), ',' || chr(10) ORDER BY c.position) || chr(10) || ']}'
  FROM countries c JOIN asean_names a ON a.code = c.cca2 JOIN outlines o ON o.cca2 = c.cca2
) TO 'countries.geojson' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\x01');

-- The code lists that the contracts refer to
COPY (
  SELECT c.cca2 AS code, a.name, c.name AS common_name FROM countries c JOIN asean_names a ON a.code = c.cca2 ORDER BY c.position
) TO '../codes/countries.csv' (HEADER);
COPY (
  SELECT lower(replace(c.city, ' ', '-')) AS code, c.city AS name, a.code AS country
  FROM cities c JOIN asean_names a ON a.name = c.country ORDER BY c.position
) TO '../codes/cities.csv' (HEADER);
