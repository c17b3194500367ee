# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%download``, ``%head``, ``%tail`` and ``%linecount``: get a data file and look at it, whatever its size."""

from __future__ import annotations

import html
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.magic import Magics, magics_class
from IPython.core.magic_arguments import argument

from magics.options import option_magic, output_option, path_named

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Magic = TypeVar("Magic", bound=Callable[..., Any])

WIDTH = 1000
FILE_HELP = "The file or its s3:// address, quoted if it has spaces; a variable that holds a path will do."
ENCODING_HELP = "Encoding; by default what the byte-order mark says, else utf-8."


class PlainText(str):
    """Text that is displayed as it is, not as a Python literal."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class FormattedText(PlainText):
    """Text that a notebook shows with its spaces and long lines kept, and a terminal as it is."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return f'<pre style="white-space: pre; overflow-x: auto">{html.escape(self)}</pre>'


def _shows_lines(magic: Magic) -> Magic:
    """Declare the options that ``%head`` and ``%tail`` share."""
    for declare in (
        output_option(),
        argument("--raw", action="store_true", help="Give plain text."),
        argument("--html", dest="raw", action="store_false", default=False, help="Keep the layout: the default."),
        argument("-w", "--width", type=int, default=WIDTH, help=f"Cut longer lines after so many characters: {WIDTH}."),
        argument("-e", "--encoding", help=ENCODING_HELP),
        argument("-n", "--lines", metavar="N", type=int, default=10, help="Number of lines: 10."),
        argument("file", metavar="FILE", help=FILE_HELP),
    ):
        magic = declare(magic)
    return magic


@magics_class
class DataMagics(Magics):
    """Magics that fetch data files and show their lines."""

    shell: InteractiveShell

    @option_magic
    @argument("name", metavar="NAME|URL", help="A name of the course or an http address; a variable will do.")
    @argument("-d", "--directory", metavar="DIR", default="data", help="Folder where the file is wanted: data.")
    @argument("--hash", metavar="sha256:HEX", help="Hash of the file as it is served: anything else is refused.")
    @argument("--force", action="store_true", help="Fetch again, and replace a file that came from elsewhere.")
    @argument("--offline", action="store_true", default=None, help="Use the cache only, never the network.")
    @argument("--keep-compressed", action="store_true", help="Do not decompress .gz .bz2 .xz .zip .tar*.")
    @argument("-f", "--filename", metavar="FILE", help="Name of the file, for an address that ends with none.")
    @output_option()
    def download(self, options: Namespace) -> Path:
        """Get a data file, decompressed, and return its path; nothing is fetched if it is there and intact.

        Names: A201612_small.csv.gz, Lexique_open-DAMIR.xls, and every month of Open DAMIR (P200901.csv.gz to
        P201412.csv.gz, then A201501.csv.gz and on). If one of them cannot be fetched, the synthetic file of the same
        name is made and a line says so. A broken transfer is taken up again; only complete files appear.

        Examples::

            %download A201612_small.csv.gz
            path = %download A201612_small.csv.gz --offline
            %download A201612.csv.gz -d big -o month
            %download https://example.org/table.csv.xz --hash sha256:0123…
        """
        from course.downloads import download

        return download(
            str(path_named(self, options.name)),
            path_named(self, options.directory),
            known_hash=options.hash,
            force=options.force,
            offline=options.offline,
            decompress=not options.keep_compressed,
            filename=options.filename,
        )

    @option_magic
    @_shows_lines
    def head(self, options: Namespace) -> PlainText:
        """Show the first lines of a text file of any size.

        Examples::

            %head data/A201612_small.csv
            %head data/A201612_small.csv -n 3 --raw
            %head "my file.txt" -e latin-1 -o text
        """
        from course.reading import head

        return self._shown(head, options)

    @option_magic
    @_shows_lines
    def tail(self, options: Namespace) -> PlainText:
        """Show the last lines of a text file of any size; only its end is read.

        Examples::

            %tail data/A201612.csv
            %tail data/A201612.csv -n 3 -o last
        """
        from course.reading import tail

        return self._shown(tail, options)

    @option_magic
    @argument("file", metavar="FILE", help=FILE_HELP)
    @argument("-t", "--text", action="store_true", help="Count as Python's text mode does: CR alone ends a line too.")
    @argument("-e", "--encoding", help=ENCODING_HELP)
    @output_option()
    def linecount(self, options: Namespace) -> int:
        """Return the number of lines of a file: its line feeds, plus a last line that lacks its end.

        Examples::

            %linecount data/A201612_small.csv
            %linecount data/A201612_small.csv --text -o lines
        """
        from course.reading import count_lines

        return count_lines(path_named(self, options.file), text=options.text, encoding=options.encoding)

    def _shown(self, read: Callable[..., list[str]], options: Namespace) -> PlainText:
        path = path_named(self, options.file)
        lines = read(path, options.lines, encoding=options.encoding, width=options.width)
        return (PlainText if options.raw else FormattedText)("\n".join(lines))
