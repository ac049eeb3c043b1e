"""The exit status of a document's report, of a failure, and of several documents."""

from swatchbook.domain.records import DocumentStatus
from swatchbook.doors.cli.terminal import of_report, worst
from tests.doors.cli.test_run_report import BROKEN, report


def test_exit_codes_of_reports_and_of_many() -> None:
    for given, code in [
        (report(), 0),
        (report(images_found=3, images_complete=3, images_to_review=3), 0),
        (report(failed_images=(BROKEN,)), 3),
        (report(other_failures=(BROKEN,)), 3),
        (report(DocumentStatus.WAITING), 3),
        (report(DocumentStatus.FAILED), 1),
        (report(DocumentStatus.BLOCKED), 1),
        (report(DocumentStatus.CANCELLED), 1),
        (report(DocumentStatus.RUNNING), 1),
    ]:
        assert of_report(given) == code
    for codes, code in [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 2, 0], 2), ([2, 1, 3], 1)]:
        assert worst(codes) == code
