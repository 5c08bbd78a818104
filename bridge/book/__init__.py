"""Books: forecasts computed ahead for one bundle over one exported history.

A tester that can reach no daemon, on a remote agent or in the cloud, reads them from a file, and
gets the daemon's bits. Nothing here knows of sockets.
"""

from bridge.book.book import Book, BookError, BookInfo, Entry, read_book
from bridge.book.checksums import window_checksums
from bridge.book.making import MadeBook, make_book

__all__ = [
    "Book",
    "BookError",
    "BookInfo",
    "Entry",
    "MadeBook",
    "make_book",
    "read_book",
    "window_checksums",
]
