"""What kind of text a file of bars is."""

import gzip

import pytest

from bridge.bars.layout import LayoutError, find_layout, read_text

MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
MT5_ROW = "2020.12.31\t23:00:00\t1.1\t1.2\t1.0\t1.1\t55\t0\t3\n"


# Bytes to text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_text_is_read_in_any_encoding_that_metatrader_and_excel_write(write, encoding):
    assert read_text(write("a.csv", (MT5 + MT5_ROW).encode(encoding))) == MT5 + MT5_ROW


def test_a_big_endian_bom_is_known(write):
    assert read_text(write("a.csv", b"\xfe\xff" + MT5.encode("utf-16-be"))) == MT5


def test_text_that_is_not_utf_8_is_read_as_windows_writes_it(write):
    assert read_text(write("a.csv", "Été".encode("cp1252"))) == "Été"


def test_gzip_is_known_by_its_bytes_and_not_by_its_name(write):
    assert read_text(write("a.csv", gzip.compress(MT5.encode()))) == MT5


def test_a_name_that_says_gzip_may_hold_plain_text(write):
    assert read_text(write("a.csv.gz", MT5)) == MT5


def test_utf_16_may_be_gzipped(write):
    assert read_text(write("a.csv.gz", gzip.compress(MT5.encode("utf-16")))) == MT5


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(write, ending):
    assert read_text(write("a.csv", f"a{ending}b{ending}")) == "a\nb\n"


@pytest.mark.parametrize("kept", [3, 12, -9, -1])
def test_a_gzip_cut_short_is_damaged(write, kept):
    whole = gzip.compress((MT5 + MT5_ROW * 50).encode())
    with pytest.raises(LayoutError, match=r"the gzip is damaged .*: export or copy it again"):
        read_text(write("a.csv.gz", whole[:kept]))


def test_a_gzip_with_a_wrong_checksum_is_damaged(write):
    whole = bytearray(gzip.compress(MT5.encode()))
    whole[-8] ^= 0xFF
    with pytest.raises(LayoutError, match="the gzip is damaged"):
        read_text(write("a.csv.gz", bytes(whole)))


def test_a_gzip_with_a_flipped_bit_is_damaged(write):
    whole = bytearray(gzip.compress((MT5 + MT5_ROW * 50).encode()))
    whole[len(whole) // 2] ^= 0x10
    with pytest.raises(LayoutError, match="the gzip is damaged"):
        read_text(write("a.csv.gz", bytes(whole)))


def test_utf_16_cut_within_a_character_is_damaged(write):
    with pytest.raises(LayoutError, match="utf-16-le text is damaged: export or copy it again"):
        read_text(write("a.csv", MT5.encode("utf-16")[:-1]))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00", id="xlsx"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", id="png"),
        pytest.param(bytes(range(256)), id="every byte"),
        pytest.param(MT5.encode("utf-32"), id="utf-32"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_give(write, content):
    with pytest.raises(LayoutError, match="give the bars as CSV or as MetaTrader exports them"):
        read_text(write("a.csv", content))


# Text to layout


def test_metatraders_export_has_date_time_prices_and_tick_volume():
    columns = find_layout(MT5 + MT5_ROW).columns
    assert columns == {
        "date": 0,
        "time": 1,
        "open": 2,
        "high": 3,
        "low": 4,
        "close": 5,
        "volume": 6,
    }


def test_metatraders_daily_export_has_its_date_for_time():
    layout = find_layout(MT5.replace("<TIME>\t", ""))
    assert (layout.columns["time"], "date" in layout.columns) == (0, False)


def test_without_tick_volume_the_traded_volume_counts():
    assert find_layout(MT5.replace("<TICKVOL>\t", "")).columns["volume"] == 6


def test_volume_is_not_needed():
    assert "volume" not in find_layout("time,open,high,low,close\n").columns


@pytest.mark.parametrize(("delimiter", "name"), [("\t", "tab"), (",", "comma"), (";", "semicolon")])
def test_the_delimiter_is_the_one_the_header_has_most_of(delimiter, name):
    assert find_layout(MT5.replace("\t", delimiter)).delimiter == delimiter, name


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("time,open,high,low,close,volume", id="lower case"),
        pytest.param("TIME,OPEN,HIGH,LOW,CLOSE,VOLUME", id="upper case"),
        pytest.param("Date,Open,High,Low,Close,Volume", id="yfinance daily"),
        pytest.param("Datetime,Open,High,Low,Close,Volume", id="yfinance intraday"),
        pytest.param(",Open,High,Low,Close,Volume", id="backtesting"),
        pytest.param('"Time","Open","High","Low","Close","Volume"', id="quoted"),
        pytest.param(" Time , Open , High , Low , Close , Volume ", id="padded"),
        pytest.param("Gmt time,Open,High,Low,Close,Volume", id="Dukascopy"),
        pytest.param("Time (EET),Open,High,Low,Close,Volume ", id="JForex"),
        pytest.param("timestamp,open,high,low,close,volume", id="Alpha Vantage"),
        pytest.param("open_time,open,high,low,close,volume", id="Binance"),
        pytest.param("time,o,h,l,c,v", id="initials"),
    ],
)
def test_a_header_is_known_in_any_case_and_common_wording(header):
    columns = find_layout(header + "\n").columns
    assert columns == {"time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}


def test_columns_may_stand_in_any_order_among_others():
    columns = find_layout("symbol,close,low,high,adj close,open,date\n").columns
    assert columns == {"time": 6, "open": 5, "high": 3, "low": 2, "close": 1}


def test_the_adjusted_close_is_not_the_close():
    assert find_layout("Date,Adj Close,Open,High,Low,Close\n").columns["close"] == 5


def test_a_numbered_index_before_a_date_is_not_its_time():
    layout = find_layout(",Date,Open,High,Low,Close\n0,2020-01-02,1,2,1,1\n")
    assert (layout.columns["time"], "date" in layout.columns) == (1, False)


def test_a_whole_time_beside_a_date_is_the_time():
    layout = find_layout("date,timestamp,open,high,low,close\n2020-01-02,1577923200,1,2,1,1\n")
    assert (layout.columns["time"], "date" in layout.columns) == (1, False)


def test_a_clock_beside_a_date_is_read_with_it():
    layout = find_layout("Date,Timestamp,Open,High,Low,Close\n20200102,00:00:00,1,2,1,1\n")
    assert (layout.columns["date"], layout.columns["time"]) == (0, 1)


def test_data_begin_on_the_line_after_the_header():
    assert find_layout(MT5 + MT5_ROW).first_line == 2


def test_blank_lines_before_the_header_are_counted():
    assert find_layout("\n  \n\n\n\n" + MT5 + MT5_ROW).first_line == 7


@pytest.mark.parametrize(
    ("row", "roles"),
    [
        ("2020.12.31,23:00,1.1,1.2,1.0,1.1,55", "date time open high low close volume"),
        ("2020.12.31,23:00,1.1,1.2,1.0,1.1", "date time open high low close"),
        ("20201231,230000,1.1,1.2,1.0,1.1,55", "date time open high low close volume"),
        ("2020.12.31 23:00,1.1,1.2,1.0,1.1,55", "time open high low close volume"),
        ("20201231 230000;1.1;1.2;1.0;1.1;0", "time open high low close volume"),
        ("2020.12.31,1.1,1.2,1.0,1.1,55", "time open high low close volume"),
        ("2020.12.31,1.1,1.2,1.0,1.1", "time open high low close"),
        ("1609455600,1.1,1.2,1.0,1.1,55,7,8,9", "time open high low close volume"),
    ],
)
def test_a_file_without_a_header_is_known_by_its_first_row(row, roles):
    columns = find_layout(row + "\n").columns
    assert columns == {role: index for index, role in enumerate(roles.split())}


def test_data_of_a_file_without_a_header_begin_on_its_first_row():
    assert find_layout("\n2020.12.31,23:00,1.1,1.2,1.0,1.1,55\n").first_line == 2


YFINANCE = "Price,Close,High,Low,Open,Volume\nTicker,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X\n"


def test_yfinances_header_of_two_levels_names_the_symbol():
    assert find_layout(YFINANCE + "Datetime,,,,,\n").symbol == "EURUSD=X"


def test_yfinances_header_of_two_levels_names_the_columns():
    columns = find_layout(YFINANCE + "Date,,,,,\n").columns
    assert columns == {"time": 0, "close": 1, "high": 2, "low": 3, "open": 4, "volume": 5}


def test_data_begin_below_the_name_of_yfinances_index():
    text = YFINANCE + "Date,,,,,\n2020-01-02,1.1,1.2,1.0,1.1,0\n"
    assert find_layout(text).first_line == 4


def test_data_begin_below_the_levels_where_yfinances_index_has_no_name():
    assert find_layout(YFINANCE + "2020-01-02,1.1,1.2,1.0,1.1,0\n").first_line == 3


def test_yfinances_levels_may_be_swapped():
    price, ticker = YFINANCE.splitlines()
    layout = find_layout(f"{ticker}\n{price}\nDate,,,,,\n")
    assert (layout.symbol, layout.columns["open"]) == ("EURUSD=X", 4)


def test_a_download_of_several_symbols_is_refused_by_their_names():
    text = "Price,Close,Close,High,High\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n"
    with pytest.raises(LayoutError, match=r"2 symbols in it \('AAPL, MSFT'\): write a file for"):
        find_layout(text)


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n\n\n\n\n"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(LayoutError, match="the file is empty"):
        find_layout(text)


@pytest.mark.parametrize("absent", ["time", "open", "high", "low", "close"])
def test_a_header_without_a_needed_column_is_refused_by_its_name(absent):
    names = [name for name in ("time", "open", "high", "low", "close") if name != absent]
    with pytest.raises(LayoutError, match=f"no column for {absent} in the header"):
        find_layout(",".join(names) + "\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<!doctype html><html><body>Sign in</body></html>", id="html"),
        pytest.param('{"chart": {"result": null}}', id="json"),
        pytest.param("<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n", id="ticks"),
        pytest.param('"', id="a quote"),
        pytest.param("Price\nTicker\n", id="yfinance's levels alone"),
    ],
)
def test_what_is_no_table_of_bars_is_refused_with_what_one_has(text):
    with pytest.raises(LayoutError, match="a file of bars has date or time, open, high, low and"):
        find_layout(text)


def test_a_refused_header_is_shown_without_control_characters_and_cut():
    with pytest.raises(LayoutError) as caught:
        find_layout("\x1b[2J" + "x" * 100_000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300
