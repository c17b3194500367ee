"""``course serve``: show the built site in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from course.errors import BadArgumentError, BuildError


@click.command(short_help="Show the built site in a browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--site", type=click.Path(path_type=Path, file_okay=False), default=Path("build/site"), show_default=True,
              help="Folder of the site.")  # fmt: skip
def serve(port: int, site: Path) -> None:
    """Serve the built site on this machine only, until Ctrl-C; prints its address.

    \b
    Examples:
      course serve
      course serve --port 9000
    """  # noqa: D301 click reads \b as: keep these lines
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from course.publish.swap import recover_folder

    recover_folder(site.absolute())
    if not (site / "index.html").is_file():
        raise BuildError(f"no site in {site}; run: course build")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(site)))
    except OSError as error:
        raise BadArgumentError(f"cannot listen on port {port}: {error.strerror}; choose another with --port") from error
    with server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C to stop)")
        server.serve_forever()
