"""The command ``course``.

In go the words of a command line; each command calls one function of the course and prints what it returns, or its
error on one line. Start reading at ``main``; then one file for each family of commands.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from course.cli.data_command import bench, data
from course.cli.publish_command import build, complain, serve
from course.cli.start_command import clean, doctor, start
from course.errors import CourseError

FAILED = 2
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bigdata-course", prog_name="course")
def course() -> None:
    """Statistics over files larger than memory: data, site and tools of the course.

    \b
    Examples:
      course start                 a working folder with the lessons, open in JupyterLab
      course doctor                check that the lessons can run here
      course clean                 delete what the lessons have generated
      course data small            write the small data file
      course build                 execute the lessons and publish them
      course serve                 look at the result in a browser
      course bench                 measure every way of answering the question
    """  # noqa: D301 click reads \b as: keep these lines


for command in (bench, build, clean, data, doctor, serve, start):
    course.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 if all is well, 2 if something is wrong, 130 if interrupted.

    Args:
        arguments: words after ``course``; by default those of the process.
    """
    try:
        course.main(args=arguments, prog_name="course", standalone_mode=False)
    except CourseError as error:
        complain("course", error)
        sys.exit(FAILED)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        complain("course", f"{error}; free some space")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what could not be written is not tried again at the end
        sys.exit(FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("course: interrupted", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(0)
