-- How rain-flood.csv was made from dataset_banjir_samarinda_final.csv of amsopian22/prediksi-banjir-samarinda (commit 550d2b2),
-- which carries no licence and is therefore not here: its measured columns, every row, in its order.
COPY (
  SELECT tanggal, curah_hujan_mm, durasi_hujan_jam, is_banjir, status_banjir
  FROM read_csv('samarinda-rain-flood.csv', all_varchar = true)
) TO 'rain-flood.csv' (HEADER);
