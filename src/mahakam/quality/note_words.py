"""What a report notes about how a file was read and about columns as a whole, in the reader's language."""

from __future__ import annotations

import re
from typing import Final

_ID: Final = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"^(\d+) rows? above the header not read$", r"\1 baris di atas judul kolom tidak dibaca"),
        (r"^header joined from rows (\d+) to (\d+)$", r"judul kolom digabung dari baris \1 sampai \2"),
        (
            r"^row (\d+) numbers the columns: taken as part of the header$",
            r"baris \1 menomori kolom: dianggap bagian dari judul",
        ),
        (
            r"^column (\S+) stands beside the table: taken as notes, not read$",
            r"kolom \1 berdiri di samping tabel: dianggap catatan, tidak dibaca",
        ),
        (r"^no header row found: columns are numbered$", "baris judul tidak ditemukan: kolom diberi nomor"),
        (
            r"^the sheet holds (\d+) tables: the first is read; pin table for another \((.+)\)$",
            r"lembar ini memuat \1 tabel: yang pertama dibaca; pilih tabel lain dengan table (\2)",
        ),
        (
            r"^(\d+) groups of the same columns stand side by side: read one under the other$",
            r"\1 kelompok kolom yang sama berdampingan: dibaca berurutan ke bawah",
        ),
        (
            r"^merged cells in column (.+): read in each row that they cover$",
            r"sel gabungan di kolom \1: dibaca pada setiap baris yang dicakupnya",
        ),
        (r"^is an HTML page, although it is named (\S+)$", r"isinya halaman HTML, meskipun bernama \1"),
        (
            r"^the page has (\d+) tables: read the largest, number (\d+); pin sheet for another$",
            r"halaman ini memuat \1 tabel: yang terbesar dibaca, nomor \2; pilih tabel lain dengan sheet",
        ),
        (r"^is plain text, although it is named (\S+)$", r"isinya teks biasa, meskipun bernama \1"),
        (
            r"^two encodings in one file: (\d+) lines read as cp1252, the others as UTF-8 \(lines (.+)\)$",
            r"dua pengodean dalam satu berkas: \1 baris dibaca sebagai cp1252, yang lain UTF-8 (baris \2)",
        ),
        (r"^line ends are mixed \((.+)\)$", r"akhir baris bercampur (\1)"),
        (
            r"^is not UTF-8: read as (.+); pin encoding if letters look wrong$",
            r"bukan UTF-8: dibaca sebagai \1; tentukan encoding bila hurufnya tampak salah",
        ),
        (r"^one record a line \(JSON lines\)$", "satu catatan per baris (JSON lines)"),
        (
            r"^records read from (.+); pin records for another (?:list|element)$",
            r"catatan dibaca dari \1; tentukan records untuk bagian lain",
        ),
        (r"^left out (\d+) tables of another width$", r"\1 tabel dengan lebar lain dilewati"),
        (
            r"^brought from the coordinate system (.+) to longitude and latitude$",
            r"diubah dari sistem koordinat \1 ke bujur dan lintang",
        ),
        (
            r"^names no coordinate system: its coordinates are taken as longitude and latitude$",
            "tidak menyebut sistem koordinat: koordinatnya dianggap bujur dan lintang",
        ),
        (
            r"^names the coordinate system (.+); pin crs in the mapping$",
            r"menyebut sistem koordinat \1; tentukan crs pada pemetaan",
        ),
        (
            r"^names no encoding: its letters are read as UTF-8$",
            "tidak menyebut pengodean: hurufnya dibaca sebagai UTF-8",
        ),
        (
            r"^lists of cells: named by the list of names$",
            "daftar sel: diberi nama menurut daftar nama kolom",
        ),
        (r"^columns of cells: read row by row$", "kolom berisi sel: dibaca baris demi baris"),
        (
            r"^objects by their key: it is the column (.+)$",
            r"objek menurut kuncinya: kunci itu menjadi kolom \1",
        ),
        (
            r"^has (\d+) sheets: read (.+); pin sheet for another \((.+)\)$",
            r"memuat \1 lembar: \2 dibaca; pilih lembar lain dengan sheet (\3)",
        ),
        (
            r"^has (\d+) layers: read (.+); pin sheet for another \((.+)\)$",
            r"memuat \1 lapisan: \2 dibaca; pilih lapisan lain dengan sheet (\3)",
        ),
        (
            r"^the table has no ruled lines: its columns are told by the gaps between them$",
            "tabel tanpa garis: kolomnya dikenali dari jarak di antaranya",
        ),
        (r"^joined (\d+) tables$", r"\1 tabel digabung"),
        (r"^is a spreadsheet, although it is named (\S+)$", r"isinya lembar kerja, meskipun bernama \1"),
        (r"^(\d+) files, (\d+) rows$", r"\1 berkas, \2 baris"),
        (r"^(\d+) × note under the table$", r"\1 × catatan di bawah tabel"),
        (
            r"^rows that only name a group for those under them \((.+)\): read as the column '(.+)'$",
            r"baris yang hanya menamai kelompok baris di bawahnya (\1): dibaca sebagai kolom '\2'",
        ),
        (
            r"^(\d+) × heading of a group, read as a column$",
            r"\1 × judul kelompok, dibaca sebagai kolom",
        ),
        (r"^(\d+) × second table under the first$", r"\1 × tabel kedua di bawah yang pertama"),
        (r"^(\d+) × total$", r"\1 × jumlah"),
        (r"^(\d+) × outside the feed's rows$", r"\1 × di luar baris yang dipilih"),
        (r"^column (.+) is empty in every row$", r"kolom \1 kosong di semua baris"),
        (
            r"^column (.+): no value before (\S+) \((\d+) rows\)$",
            r"kolom \1: tidak ada isian sebelum \2 (\3 baris)",
        ),
        (r"^column (.+): no value in (\d+) of (\d+) rows$", r"kolom \1: tidak ada isian di \2 dari \3 baris"),
        (
            r"^column (.+): whole numbers written with a decimal mark \(as 2014\.0\), in (\d+) rows$",
            r"kolom \1: bilangan bulat ditulis dengan tanda desimal (seperti 2014.0), di \2 baris",
        ),
        (
            r"^column (.+): (\d+) digits after the mark, more than is ever measured: was it computed\?$",
            r"kolom \1: \2 angka di belakang tanda desimal, lebih teliti daripada pengukuran: apakah hasil hitungan?",
        ),
        (
            r"^column (.+): (\d+) numbers above 2\^53, which many programs change: keep them as text$",
            r"kolom \1: \2 bilangan di atas 2^53, yang diubah banyak program: simpan sebagai teks",
        ),
        (
            r"^column (.+): times without a zone; they are read as the place's own time$",
            r"kolom \1: waktu tanpa zona; dibaca sebagai waktu setempat",
        ),
        (
            r"^column (.+): records in braces inside the cells, which are no JSON$",
            r"kolom \1: catatan dalam kurung kurawal di dalam sel, yang bukan JSON",
        ),
        (
            r"^column (.+): lists inside the cells, parted by (.+), in (\d+) rows$",
            r"kolom \1: daftar di dalam sel, dipisah \2, di \3 baris",
        ),
        (
            r"^columns (.+) and (.+) are no degrees but projected coordinates: say which with crs, as EPSG:3414$",
            r"kolom \1 dan \2 bukan derajat melainkan koordinat terproyeksi: tentukan dengan crs, misalnya EPSG:3414",
        ),
        (
            r"^column (.+): rows are not in its order \((\d+) falls back\): were tables stacked\?$",
            r"kolom \1: baris tidak urut (\2 kali mundur): apakah tabel ditumpuk?",
        ),
        (
            r"^row (\d+) \((.*)\) is the sum of all others in (.+): leave the total out, with skip$",
            r"baris \1 (\2) adalah jumlah semua baris lain pada \3: keluarkan baris jumlah itu, dengan skip",
        ),
        (
            r"^(\d+) cells hold the error of a formula and no value \((.+)\): have the formula mended$",
            r"\1 sel berisi galat rumus, bukan nilai (\2): minta rumusnya diperbaiki",
        ),
        (
            r"^column name (.+) stands (\d+) times: the later ones are read as (.+) and on$",
            r"nama kolom \1 ada \2 kali: yang berikutnya dibaca sebagai \3 dan seterusnya",
        ),
        (
            r"^column (.+): dates in two orders: (\d+) can only be day before month, (\d+) only month before day, "
            r"(\d+) either: ask its owner which$",
            r"kolom \1: tanggal dalam dua urutan: \2 hanya bisa hari dulu, \3 hanya bisa bulan dulu, "
            r"\4 bisa keduanya: tanyakan kepada pemilik data",
        ),
        (
            r"^column (.+): years of two digits, in (\d+) rows: (.+) are read as (.+), (.+) as (.+)$",
            r"kolom \1: tahun dua angka, di \2 baris: 00–68 dibaca sebagai 2000–2068, 69–99 sebagai 1969–1999",
        ),
        (
            r"^column (.+): dates in two forms: (\d+) as (.+), (\d+) as (.+)$",
            r"kolom \1: tanggal dalam dua bentuk: \2 seperti \3, \4 seperti \5",
        ),
        (
            r"^column (.+): every date with a day above 12 is text, and none of the others has one: the spreadsheet "
            r"took day and month of those for each other$",
            r"kolom \1: semua tanggal dengan hari di atas 12 berupa teks, dan tanggal lain tidak ada yang demikian: "
            r"pada tanggal lain itu lembar kerja menukar hari dan bulan",
        ),
        (
            r"^column (.+) seems to hold personal data \((.+)\): declare it with classification$",
            r"kolom \1 tampaknya memuat data pribadi (\2): nyatakan dengan classification",
        ),
        (
            r"^holds what JSON does not have, read as text: (.+)$",
            r"memuat yang tidak ada dalam JSON, dibaca sebagai teks: \1",
        ),
        (
            r"^(\d+) rows add up others \(row (.+)\): leave the totals out, with skip$",
            r"\1 baris menjumlahkan baris lain (baris \2): keluarkan baris jumlah itu, dengan skip",
        ),
        (
            r"^row (\d+) \((.*)\) says (\S+) in (.+), but its rows add up to (\S+)$",
            r"baris \1 (\2) menyebut \3 pada \4, padahal barisnya berjumlah \5",
        ),
        (
            r"^row (\d+) \((.*)\) is named a total, but adds up no column: leave it out, with skip$",
            r"baris \1 (\2) dinamai jumlah, tetapi tidak menjumlahkan kolom mana pun: keluarkan dengan skip",
        ),
        (
            r"^has (\d+) folders: read all of them; pin sheet for one \((.+)\)$",
            r"memiliki \1 folder: semuanya dibaca; tentukan sheet untuk satu folder (\2)",
        ),
        (
            r"^column (.+): (\d+) numbers of 16 digits or more end in 0: a spreadsheet keeps 15 digits, and the "
            r"others are lost: ask its owner for the column as text$",
            r"kolom \1: \2 angka 16 digit atau lebih berakhir dengan 0: lembar kerja hanya menyimpan 15 digit, sisanya "
            r"hilang: mintalah kolom itu sebagai teks kepada pemiliknya",
        ),
        (
            r"^column (.+): (\d+) numbers written as 6\.47E\+15: the spreadsheet shows no more of their digits, and "
            r"they are lost: ask its owner for the column as text$",
            r"kolom \1: \2 angka ditulis seperti 6.47E+15: lembar kerja tidak menampilkan digit selebihnya, dan digit "
            r"itu hilang: mintalah kolom itu sebagai teks kepada pemiliknya",
        ),
        (
            r"^column (.+): an apostrophe before the value, in (\d+) rows: the spreadsheet's mark for text$",
            r"kolom \1: tanda petik di depan nilai, pada \2 baris: tanda teks dari lembar kerja",
        ),
        (
            r"^column (.+): latitude stands before longitude in (\d+) of (\d+) geometries, but GeoJSON has "
            r"\[longitude, latitude\]: have the file written again$",
            r"kolom \1: lintang berdiri di depan bujur pada \2 dari \3 geometri, padahal GeoJSON memakai [bujur, "
            r"lintang]: mintalah berkas yang ditulis ulang",
        ),
        (
            r"^column (.+): (\d+) of (\d+) geometries are in no degrees but in projected coordinates: say which with "
            r"crs, as EPSG:32750$",
            r"kolom \1: \2 dari \3 geometri bukan dalam derajat melainkan koordinat terproyeksi: tentukan dengan crs, "
            r"misalnya EPSG:32750",
        ),
    )
)


def said(note: str, language: str) -> str:
    """The note in the language; in English where there are no words for it."""
    if language == "id":
        for pattern, words in _ID:
            if pattern.match(note):
                return pattern.sub(words, note)
    return note
