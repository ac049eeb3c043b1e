"""Every `swatchbook …` and `make …` in README.md, CONTRIBUTING.md, docs/, docs/tutorials/, samples/README.md and
tests/truth/README.md does what the text says.

Each command is run here, on a home that holds the small sample, or is listed with the test that runs it. A documented
command that is in neither table fails, and so does an entry that is no longer documented.
"""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.command import bare_environment, finish
from tests.fixtures import ROOT

GENERATED = ("commands.md", "http.md")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "samples/README.md", "tests/truth/README.md")),
    *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / name for name in GENERATED}),
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
]
"""All pages but those that are written from docstrings and helps, which name commands without examples."""

_BLOCK = re.MULTILINE | re.DOTALL
_COMMAND = re.compile(r"(?:^|&& |service |swatchbook(?= swatchbook) )((?:swatchbook|make) [^&]+)")


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a page: in console blocks, in backticks, and in the table of commands."""
    text = re.sub(r"^ +(?=```|\$ )", "", text, flags=re.MULTILINE)  # of blocks in lists
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            yield from (found.strip() for found in _COMMAND.findall(line.partition("  #")[0]))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(quoted.split()) for quoted in re.findall(r"`((?:swatchbook|make) [^`]+)`", prose))
    for cell in re.findall(r"^\| ((?:`[a-z][^`/_]*`(?:, )?)+) \|", _section(prose, "## Commands"), re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        yield from (name if name.startswith("make ") else f"swatchbook {name}" for name in names)


def _section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


DOCUMENTED = {command: page.name for page in PAGES for command in commands(page.read_text())}

FIRST = {*commands((ROOT / "README.md").read_text())}
"""Commands of the README, which the gate runs."""

Finished = subprocess.CompletedProcess[str]


def finds(*words: str) -> Callable[[Finished], bool]:
    return lambda run: run.returncode == 0 and all(word in run.stdout for word in words)


def writes(products: int) -> Callable[[Finished], bool]:
    return lambda run: run.returncode == 0 and f"{products} products with 6 variants" in run.stderr


def is_json(run: Finished) -> bool:
    return run.returncode == 0 and bool(json.loads(run.stdout))


RUN_HERE: Mapping[str, tuple[str, Callable[[Finished], bool]]] = {
    "swatchbook ingest catalogue.pdf": ("", finds("unchanged", "14 = 14 complete")),
    "swatchbook ingest PATH…": ("ingest catalogue.pdf", finds("unchanged")),
    "swatchbook ingest --json": ("ingest catalogue.pdf --json", is_json),
    "swatchbook ingest --plan": ("ingest catalogue.pdf --plan", finds("catalogue.pdf")),
    "swatchbook ingest catalogue.pdf --max-usd 5": ("", finds("catalogue.pdf")),
    'swatchbook search "matt grey terrazzo" --where category=terrazzo': ("", finds("Palladio Terrazzo")),
    "swatchbook search [TEXT] [--image FILE]": ("search oak --image photo.jpg", finds("Nordvik Oak")),
    "swatchbook search --image photo.jpg --by product": ("", finds("catalogue.pdf")),
    "swatchbook search --image photo.jpg --by product --explain": ("", finds("catalogue.pdf", "visual #1")),
    "swatchbook search tile --where material=porcelin": ("", lambda run: "Nothing has material=porcelin" in run.stderr),
    "swatchbook search": ("search oak", finds("Nordvik Oak")),
    "swatchbook stats facets": ("", finds("Palladio Terrazzo (", "price_min=")),
    "swatchbook stats facets --by product --where color=blue": ("", finds("product")),
    "swatchbook show DOCUMENT": ("show catalogue.pdf", finds("Nordvik Oak", "14 = 14 complete")),
    "swatchbook show --json": ("show catalogue.pdf --json", is_json),
    "swatchbook products A diff B": (
        "products catalogue.pdf diff catalogue.pdf",
        finds("2 unchanged", "14 of 14 unchanged"),
    ),
    "swatchbook inspect DOCUMENT": ("inspect catalogue.pdf", finds("/inspections/catalogue-")),
    "swatchbook inspect": ("inspect catalogue.pdf", finds("/inspections/catalogue-")),
    "swatchbook inspect catalogue.pdf": ("", finds("/inspections/catalogue-")),
    "swatchbook inspect catalogue.pdf --page 26 --png inspect.png": (
        "inspect catalogue.pdf --page 3 --png inspect.png",
        finds("inspect.png"),
    ),
    "swatchbook evaluate lost-pictures DOCUMENT": ("evaluate lost-pictures catalogue.pdf", finds("left out")),
    "swatchbook evaluate lost-pictures": ("evaluate lost-pictures catalogue.pdf", finds("left out")),
    "swatchbook products": ("products catalogue.pdf", finds("Nordvik Oak", "Palladio")),
    "swatchbook products catalogue.pdf": ("", finds("Nordvik Oak", "Palladio")),
    "swatchbook export DOCUMENT": ("export catalogue.pdf", finds("Nordvik Oak", "metadata.price")),
    "swatchbook export catalogue.pdf --to products.xlsx": (
        "",
        lambda run: "2 products with 6 variants of 1 document → " in run.stderr,
    ),
    "swatchbook export --all --to products.csv --pictures pictures": ("", lambda run: run.returncode == 0),
    "swatchbook export --all --format jsonl": ("", finds('"name": "Nordvik Oak"')),
    "swatchbook export --all --format shopify --to shopify.csv --pictures-url https://cdn.example/pictures": (
        "",
        writes(2),
    ),
    "swatchbook export --all --format woocommerce --to woocommerce.csv --pictures pictures": ("", writes(2)),
    "swatchbook export --all --format jsonld --to products.jsonld": ("", writes(2)),
    "swatchbook export --all --format google --mapping shop.yaml --pictures-url https://cdn.example/pictures "
    "--to google.xml": ("", writes(2)),
    "swatchbook export --all --format bmecat --mapping shop.yaml --to bmecat.xml": ("", writes(2)),
    "swatchbook export --all --format akeneo --to akeneo.csv": ("", writes(2)),
    "swatchbook export --all --format woocommerce --mapping shop.yaml --to shop.csv": ("", writes(2)),
    "swatchbook export --all --format woocommerce --mapping shop.yaml --since shop.csv --to changes.csv": (
        "",
        lambda run: "0 new, 0 changed, 0 gone → changes.csv; 8 unchanged" in run.stderr,
    ),
    "swatchbook export --all --format woocommerce --mapping shop.yaml --since 2025-11-01 --to changes.csv": (
        "",
        lambda run: "8 new, 0 of documents that changed, 0 gone → changes.csv; 0 unchanged" in run.stderr,
    ),
    'swatchbook teach catalogue.pdf --page 3 --name "Nordvik Oak"': ("", finds("2 products now → 2", "Nordvik Oak")),
    'swatchbook teach catalogue.pdf --page 3 --name "Nordvik Oak" --not "Engineered oak floor"': (
        "",
        finds("Nordvik Oak"),
    ),
    'swatchbook teach catalogue.pdf --name "3:Nordvik Oak" --name "5:Palladio Terrazzo" '
    '--not "4:Colours and technical data"': ("", finds("2 products now → 2")),
    'swatchbook teach catalogue.pdf --page 5 --code "PT-101"': ("", finds("codes: ", "PT-101")),
    'swatchbook teach catalogue.pdf --page 5 --code "PT-101" --not-code "PT-104"': ("", finds("codes: ", "PT-101")),
    'swatchbook teach catalogue.pdf --page 3 --price "€ 82.50 per m²"': ("", finds("prices: ", "82.50")),
    'swatchbook teach catalogue.pdf --page 4 --name "Limed" --use 2': ("", finds("2 products now")),
    "swatchbook teach catalogue.pdf --page 3 --cell 0,0,297,209": ("", finds("cut: 1 picture into 2 × 2 cells")),
    "swatchbook teach catalogue.pdf --page 5 --picture 60,620,160,700": ("", finds("pictures: 1 drawn, on page 5")),
    "swatchbook teach catalogue.pdf --page 4 --decoration 42,120,203,260": ("", finds("decoration: 1, on page 4")),
    "swatchbook teach catalogue.pdf --side above": ("", finds("pictures: above the name")),
    "swatchbook teach": ("teach catalogue.pdf --likeliest", finds("Nordvik Oak")),
    "swatchbook teach catalogue.pdf --likeliest": ("", finds("likeliest", "Nordvik Oak")),
    "swatchbook teach catalogue.pdf --use 1": ("", finds("2 products now")),
    "swatchbook readings": ("", lambda run: "No reading was taught" in run.stderr),
    "swatchbook readings catalogue.pdf": ("", lambda run: run.returncode == 0),
    "swatchbook status": ("", finds("1 completed")),
    "swatchbook status --all-owners": ("", finds("1 completed")),
    "swatchbook owners": ("", finds("default", "1 completed")),
    "swatchbook stats coverage": ("", finds("14 of 14 (100 %)")),
    "swatchbook stats --all-owners": ("", finds("14 = 14 complete")),
    "swatchbook stats": ("", finds("14 = 14 complete", "nearest neighbour", "14 objects")),
    "swatchbook stats near-duplicates": ("", finds("No images show nearly the same picture")),
    "swatchbook fill missing": ("", finds("0 items made")),
    "swatchbook fill missing --all-owners --dry-run": ("", finds("Nothing to make")),
    "swatchbook fill missing --dry-run": ("", finds("Nothing to make")),
    "swatchbook fill missing --max-usd 5": ("", finds("0 items made")),
    "swatchbook fill missing --stale": ("", finds("0 items made")),
    "swatchbook fill outdated": (
        "fill outdated catalogue.pdf",
        lambda run: "nothing to do" in run.stderr and run.returncode == 0,
    ),
    "swatchbook fill outdated DOCUMENT": ("fill outdated catalogue.pdf", lambda run: "nothing to do" in run.stderr),
    "swatchbook fill failed DOCUMENT": ("fill failed catalogue.pdf", lambda run: run.returncode == 0),
    "swatchbook fill failed": ("", lambda run: run.returncode == 0 and "Nothing to do" in run.stderr),
    "swatchbook cancel": ("cancel catalogue.pdf", lambda run: "nothing to stop" in run.stderr),
    "swatchbook upkeep events": (
        "",
        lambda run: "No event of an object store waits" in run.stderr and run.returncode == 0,
    ),
    "swatchbook review": ("review list", lambda run: run.returncode == 0),
    "swatchbook review list": ("", lambda run: run.returncode == 0),
    "swatchbook spaces": ("", finds("visual", "active")),
    "swatchbook fill spaces --dry-run": ("", finds("Nothing to make")),
    "swatchbook fill spaces --max-usd 5": ("", finds("0 items made")),
    "swatchbook spaces compare": ("", finds("Nothing to compare")),
    "swatchbook spaces activate": ("", lambda run: "Nothing to do" in run.stderr and run.returncode == 0),
    "swatchbook spaces drop-old --yes": ("", lambda run: "Nothing to do" in run.stderr and run.returncode == 0),
    "swatchbook upkeep verify": ("", finds("agree")),
    "swatchbook upkeep verify --repair": ("", finds("agree")),
    "swatchbook upkeep tick": ("", lambda run: run.returncode == 0),
    "swatchbook upkeep gc": ("upkeep gc --dry-run", lambda run: run.returncode == 0),
    "swatchbook config": ("", finds("SWATCHBOOK_HOME")),
    "swatchbook models": ("", finds("efficientnet", "active", "visual 1280")),
    "swatchbook models pull": ("", lambda run: run.returncode == 0),  # the local profile needs no weights
}
"""Command -> its arguments (empty: as documented), and a check of its outcome."""

_CLI, _REVIEW = "tests/doors/cli/test_main.py", "tests/flows/test_review_quality.py"
_FOLDERS = "tests/doors/cli/test_ingest_images.py"
_PLAN = "packages/shops/tests/test_batch_plan.py::test_plan_shows_items_and_what_is_not_read"
_SHAPES = "packages/shops/tests/test_batch_plan.py::test_given_mapping_goes_before_the_rules"
_SCRAPED = f"{_FOLDERS}::test_scraped_batch_is_searchable_by_its_items"
_IMPORT = "tests/doors/cli/test_import_table.py"
_OWNERS = "tests/doors/cli/test_owners.py"
_EVALUATE = "tests/doors/cli/test_evaluate.py"
_EDITS = "tests/doors/cli/test_products.py::test_every_edit_changes_the_list"
_TAUGHT = "packages/teach/tests/test_teach_command.py::test_a_reading_is_accepted_exported_imported_and_undone"
_TAKEN = "tests/ingest/test_take_in.py::test_a_picture_that_no_box_covers_is_counted_taken_in_and_dismissed"
_COMPOSE = "tests/containers/test_compose.py::test_make_up_says_where_and_make_down_keeps_the_data"
_DISMISSED = "tests/doors/cli/test_inspect.py::test_a_part_is_dismissed_and_put_back_by_its_name"
TESTED_ELSEWHERE: Mapping[str, str] = {
    "swatchbook upkeep events retry 3f9c2a71": (
        "packages/buckets/tests/test_events_command.py::test_dead_event_is_listed_and_tried_again"
    ),
    **dict.fromkeys(
        (
            'swatchbook teach catalogue.pdf --name "3:Nordvik Oak" --not "4:Colours and technical data" --accept',
            "swatchbook teach catalogue.pdf --undo",
            "swatchbook teach catalogue.pdf --use 2 --accept",
            "swatchbook readings catalogue.pdf --export oak.yaml",
            "swatchbook teach catalogue-2026.pdf --reading oak.yaml --accept",
        ),
        _TAUGHT,
    ),
    **dict.fromkeys(("swatchbook ingest --plan items.csv", "swatchbook ingest --plan items.jsonl"), _PLAN),
    **dict.fromkeys(("swatchbook ingest FILE", "swatchbook ingest items.csv --mapping mapping.yaml"), _SHAPES),
    "swatchbook ingest-images items.jsonl": _SCRAPED,
    "swatchbook fill outdated DOCUMENT --boxes 5:1,5:2": _TAKEN,
    "swatchbook evaluate lost-pictures DOCUMENT --dismiss 5:1": _DISMISSED,
    "swatchbook evaluate lost-pictures DOCUMENT --put-back 5:1": _DISMISSED,
    "make demo": "tests/samples/test_demo.py::test_demo_ingests_and_searches_without_a_network",
    "make up": _COMPOSE,
    "make down": _COMPOSE,
    "make weaviate": "tests/devtools/test_weaviate.py::test_make_weaviate_runs_until_stopped",
    **dict.fromkeys(
        commands((ROOT / "samples" / "README.md").read_text()),
        "tests/samples/test_demo.py::test_searches_to_try_find_what_the_page_says",
    ),
    **{
        command: "tests/test_tutorials.py::test_commands_print_what_the_page_says"
        for name in ("catalogue.md", "items.md")
        for command in commands((ROOT / "docs" / "tutorials" / name).read_text())
        if command not in {*RUN_HERE, "swatchbook serve"}
    },
    "swatchbook ingest s3://my-bucket/catalogues": "packages/buckets/tests/test_bucket_in_notebook.py::"
    "test_pictures_and_pdfs_of_a_bucket_are_ingested",
    "swatchbook ingest pictures": f"{_FOLDERS}::test_ingest_sends_each_file_where_it_belongs",
    "swatchbook ingest items.jsonl": f"{_FOLDERS}::test_ingest_sends_each_file_where_it_belongs",
    "swatchbook ingest FOLDER": f"{_FOLDERS}::test_ingest_sends_each_file_where_it_belongs",
    "swatchbook ingest": f"{_FOLDERS}::test_ingest_sends_each_file_where_it_belongs",
    "swatchbook ingest catalogue.pdf pictures items.jsonl": f"{_FOLDERS}::test_ingest_sends_each_file_where_it_belongs",
    "swatchbook ingest-images --config images.yaml": f"{_FOLDERS}::test_command_line_goes_before_the_file",
    "swatchbook ingest-images PATH…": f"{_FOLDERS}::test_second_run_processes_nothing_and_starts_no_flow",
    **dict.fromkeys(
        (
            *(
                "swatchbook upkeep backup",
                "swatchbook upkeep backup FOLDER",
                "swatchbook upkeep backup /backups/swatchbook",
            ),
            *(
                "swatchbook upkeep restore",
                "swatchbook upkeep restore FOLDER",
                "swatchbook upkeep restore /backups/swatchbook",
            ),
        ),
        "tests/doors/cli/test_backup.py::test_a_backup_is_added_to_and_restored_into_another_home",
    ),
    "swatchbook import pictures.csv --config mapping.yaml --dry-run": f"{_IMPORT}::test_dry_run_only_counts",
    "swatchbook import pictures.csv --config mapping.yaml": f"{_IMPORT}::test_collection_becomes_searchable",
    "swatchbook import SOURCE --config FILE": f"{_IMPORT}::test_collection_becomes_searchable",
    **dict.fromkeys(
        ("swatchbook ingest catalogue-2026.pdf --edition-of catalogue-2025.pdf",),
        "tests/flows/test_editions.py::test_a_newer_edition_from_ingest_to_delete",
    ),
    **dict.fromkeys(
        (
            "swatchbook delete catalogue.pdf",
            "swatchbook delete catalogue.pdf --now",
            "swatchbook trash",
            "swatchbook trash restore catalogue.pdf",
        ),
        "tests/doors/cli/test_delete.py::test_trash_lists_restores_and_ends",
    ),
    "swatchbook delete": "tests/doors/cli/test_delete.py::test_a_person_is_told_what_goes_and_asked",
    "swatchbook doctor": f"{_CLI}::test_doctor_tries_every_part_and_says_what_to_do_about_what_is_broken",
    "swatchbook upkeep rebuild-index": f"{_CLI}::test_ingest_search_show_rebuild_delete",
    "swatchbook serve --with-prefect": "tests/doors/service/test_serve.py"
    "::test_an_upload_is_worked_on_and_ctrl_c_ends_everything",
    "swatchbook serve": "tests/doors/service/test_serve.py::test_it_answers_where_it_says_and_ends_in_order",
    "swatchbook serve --host 0.0.0.0": "tests/doors/service/test_serve.py::test_others_are_let_in_only_with_keys",
    "swatchbook mcp": "packages/assistants/tests/test_mcp.py::test_configurations_of_the_page_start_a_server",
    "swatchbook mcp --write": "packages/assistants/tests/test_mcp.py::test_only_allowed_folders_are_taken_from",
    "swatchbook mcp --http 127.0.0.1:8421": (
        "packages/assistants/tests/test_mcp.py::test_command_says_where_it_listens_and_ends_in_order"
    ),
    "swatchbook serve setup": "tests/deployments/test_setup.py::test_command_says_what_it_would_do_and_what_it_lacks",
    "swatchbook serve setup --check": (
        "tests/deployments/test_setup.py::test_deployment_that_differs_is_told_whoever_made_it"
    ),
    "swatchbook serve setup --force": "tests/deployments/test_setup.py"
    "::test_saved_blocks_stay_as_they_are_unless_forced_and_secrets_are_not_shown",
    **dict.fromkeys(
        (
            "swatchbook serve setup --pool kubernetes --with namespace=swatchbook",
            "swatchbook serve setup --pool ecs --with execution_role=arn:… --with subnets=subnet-1,subnet-2 "
            "--with secret=arn:… --with prefect_password=arn:…",
            "swatchbook serve setup --pool cloud-run --with region=europe-west1 --with prefect_password=prefect "
            "--with subnet=shards",
            "swatchbook serve setup --pool process",
            "swatchbook serve setup --pool kubernetes",
        ),
        "tests/deployments/test_setup.py::test_commands_of_the_pages_make_their_pools",
    ),
    **dict.fromkeys(
        ("swatchbook serve setup --pool KIND", "swatchbook serve setup --pool cloud-run"),
        "tests/deployments/test_setup.py::test_command_makes_the_pool_that_is_asked_for",
    ),
    "swatchbook serve worker": "tests/containers/test_pool.py::"
    "test_containers_killed_and_out_of_memory_are_made_up_for_by_others",
    "swatchbook fill outdated DOCUMENT --roles multimodal": "packages/models/tests/test_siglip_end_to_end.py"
    "::test_a_role_is_added_to_a_document_as_printed",
    **dict.fromkeys(
        ("swatchbook spaces move", "swatchbook spaces move --dry-run"),
        "tests/upkeep/test_move_spaces.py::test_killed_command_goes_on",
    ),
    "swatchbook spaces rollback": "tests/upkeep/test_spaces.py::"
    "test_text_encoder_changes_to_voyage_and_back_while_people_search",
    "swatchbook delete --all --owner NAME --now": (
        f"{_OWNERS}::test_all_cancels_and_deletes_what_the_owner_has_and_nothing_else"
    ),
    "swatchbook owners rename alice bob": f"{_OWNERS}::test_a_rename_says_what_still_has_the_old_name",
    "swatchbook owners delete bob --yes": (
        f"{_OWNERS}::test_an_owner_is_deleted_after_a_question_and_never_where_nobody_can_answer"
    ),
    **dict.fromkeys(
        (
            'swatchbook products catalogue.pdf rename 70968d45 "Nordvik Oak"',
            'swatchbook products catalogue.pdf merge "Nordvik Oak" "Nordvik Oak XL"',
            'swatchbook products catalogue.pdf split "Nordvik Oak" 7 "Nordvik Ash"',
            'swatchbook products catalogue.pdf assign 5b0c7d1e "Nordvik Oak"',
            'swatchbook products catalogue.pdf add 12 "Skirting board" --box 50,700,150,715',
            'swatchbook products catalogue.pdf reject "Our showrooms"',
            'swatchbook products catalogue.pdf set-fact "Nordvik Oak" size "2,200 × 220 mm"',
            'swatchbook products catalogue.pdf remove-fact "Nordvik Oak" slip_rating',
            "swatchbook products catalogue.pdf undo 3",
        ),
        _EDITS,
    ),
    **dict.fromkeys(
        ("swatchbook evaluate search", "swatchbook evaluate search QUERIES", "swatchbook evaluate search --save"),
        f"{_EVALUATE}::test_fitted_weights_hold_for_the_next_search",
    ),
    **dict.fromkeys(
        (
            "swatchbook evaluate search tests/truth/questions/answerable.jsonl --all-owners",
            "swatchbook ingest-images pictures --owner classes",
            "swatchbook evaluate search pictures --owner classes",
        ),
        "tests/test_documented_commands.py::test_searches_are_scored_as_printed",
    ),
    "swatchbook review run": f"{_REVIEW}::test_what_the_second_model_replaces_is_searchable",
    **dict.fromkeys(
        (
            "swatchbook review accept 70968d45",
            'swatchbook review reject 70968d45 --reason "It shows our logo."',
        ),
        f"{_REVIEW}::test_the_commands_of_the_page_do_what_it_says",
    ),
}
"""Command -> the test that runs it."""

_TUTORIAL = "tests/test_tutorials.py::test_commands_print_what_the_page_says"
_STACK = "tests/servers/test_stack.py::test_form_of_the_ui_filled_in_as_it_stands_ingests_a_catalogue"
_MONITORING = "tests/doors/service/test_monitoring.py"
_SET_OR_SHOWN = "not run: shows a file, or sets what other lines use"
_OPERATION = "tests/containers/test_compose.py::test_lines_of_the_page_about_operation_do_what_it_says"
_CLOUD = "not run: needs a cluster or an account; the job is checked by the published schemas (docs/RELIABILITY.md)"
OTHER_PROGRAMS: Mapping[str, str] = {
    "mc event add": "not run: the test of MinIO asks for the same by its API",
    "(umask 077; perl": "tests/containers/test_what_is_declared.py"
    "::test_the_command_of_the_example_makes_secrets_that_are_taken",
    "export KEY=": "tests/containers/test_what_is_declared.py"
    "::test_the_command_of_the_example_makes_secrets_that_are_taken",
    "prefect server start": _STACK,
    "prefect worker start --pool control": _STACK,
    "(exec env --default-signal=INT prefect worker": "not run: the same worker in the background of a script",
    "promtool check rules alerts.yml": f"{_MONITORING}::test_the_rules_alert_when_they_should",
    "prometheus --config.file": f"{_MONITORING}::test_every_query_of_the_dashboard_and_of_the_rules_returns_rows",
    "uv pip install --editable '.[": "tests/light/test_extras.py::test_each_extra_brings_its_modules",
    "python -m samples.classes pictures": "tests/test_documented_commands.py::test_searches_are_scored_as_printed",
    **dict.fromkeys(("source ", "head ", "sed -i 's/missing", "echo "), _TUTORIAL),
    **dict.fromkeys(("python -m samples.generate", "python -m samples.classes build/"), _TUTORIAL),
    "docker run --rm -p 4318:4318": "not run: Jaeger's image; tests/otlp_receiver.py takes its place",
    "docker run --rm --env-file shards.env": "tests/containers/test_pool.py"
    "::test_production_profile_is_found_by_what_it_says_and_pays_every_answer_once",
    "docker compose run --rm models": "tests/containers/test_compose.py"
    "::test_weights_are_written_by_who_fetches_them_and_only_read_by_all_others",
    "pip install ./colorgrid": "tests/plugins/test_plugins.py"
    "::test_plugin_is_installed_into_a_fresh_environment_and_used",
    **dict.fromkeys(("cat ", "cd ", "grep ", "sed ", "export "), _SET_OR_SHOWN),
    **dict.fromkeys(("docker compose exec", "docker compose logs"), _OPERATION),
    **dict.fromkeys(("uvx --from", "claude mcp add"), "not run: installs everything again, or needs an assistant"),
    **dict.fromkeys(("kubectl ", "aws ", "gcloud ", "pip install prefect-"), _CLOUD),
    "helm ": "tests/kubernetes/helm_on_kubernetes.py::test_commands_of_the_page_install_upgrade_and_uninstall",
    "prefect worker start --pool embed --type process": "tests/servers/test_pool.py"
    "::test_kill_in_the_middle_ends_as_if_there_had_been_none",
    **dict.fromkeys(
        ("curl ", "api="),
        "tests/doors/service/test_documented_requests.py::test_requests_of_the_page_about_the_service",
    ),
}
"""Beginning of a line that runs another program -> the test that runs it, or why none does."""

DEVELOPERS = {
    *("make install", "make install-all", "make check", "make test", "make test-stack", "make nightly"),
    *("make test-python", "make test-kubernetes"),
    *("make reference", "make notebook", "make site", "make sbom"),
    *("make soak", "make bench", "make lock", "make lock-check", "make release-check", "make workflow-check"),
}
"""Targets that install, or run the tests: only their existence is tested here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_catalogue: Path) -> Path:
    """A folder with a catalogue that is ingested, and a photo."""
    folder = tmp_path_factory.mktemp("documented")
    shutil.copy(small_catalogue, folder / "catalogue.pdf")
    Image.radial_gradient("L").resize((64, 64)).save(folder / "photo.jpg")
    (folder / "shop.yaml").write_text(mapping_of_a_shop())
    done = swatchbook(folder, "ingest catalogue.pdf", seconds=400)
    assert done.returncode == 0, done.stderr
    return folder


def mapping_of_a_shop() -> str:
    """Return the example of docs/shops.md."""
    return (ROOT / "docs" / "shops.md").read_text().partition("```yaml\n")[2].partition("```")[0]


def swatchbook(place: Path, typed: str, *, seconds: float = 120) -> Finished:
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(place / "home")}
    return finish(shlex.split(typed), environment, place, seconds)


def plain(command: str) -> str:
    """Return the command without placeholders: `make install TORCH_INDEX=<…>` is `make install`."""
    return re.sub(r" [A-Z_]+=<.*>$", "", command)


def test_every_documented_command_is_run_or_named_with_its_test() -> None:
    known = {*RUN_HERE, *TESTED_ELSEWHERE, *DEVELOPERS}
    found = {plain(command): page for command, page in DOCUMENTED.items()}
    assert {command: page for command, page in found.items() if command not in known} == {}
    assert known - found.keys() == set(), "no longer documented"


@pytest.mark.stack
@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=pytest.mark.gate) if each in FIRST else each for each in RUN_HERE]
)
def test_it_does_what_the_text_says(place: Path, command: str) -> None:
    typed, is_as_documented = RUN_HERE[command]
    run = swatchbook(place, typed or command.removeprefix("swatchbook "))
    assert is_as_documented(run), f"exit {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"


@pytest.mark.timeout(1_500)  # two minutes of processor time, which a busy machine may have only in ten
@pytest.mark.stack
def test_searches_are_scored_as_printed(tmp_path: Path, ingested_home: Path) -> None:
    """The block of docs/quality.md that scores searches, line by line, where the sample is the owner's of this name."""
    shutil.copytree(ingested_home, tmp_path / "home")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    assert swatchbook(tmp_path, "owners rename anna sample").returncode == 0
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / "docs" / "quality.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (each for each in blocks if "evaluate search" in each)
    answerable, made, classes = (line.removeprefix("$ ") for line in block.splitlines())
    here = {"SWATCHBOOK_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(line: str) -> str:
        environment = bare_environment() | here | {"PATH": programs}
        done = subprocess.run(["bash", "-euc", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    assert all(role in run(answerable) for role in ("keyword", "understanding", "all, fitted on others"))
    assert "156 = 156 complete" in run(made)
    assert all(role in run(classes) for role in ("texture", "visual", "all, fitted on others"))


def test_every_module_that_is_named_to_be_run_is_there() -> None:
    texts = [page.read_text() for page in (*PAGES, *(ROOT / "benchmarks").glob("*.md"))]
    named = {name for text in texts for name in re.findall(r"python -m ([\w.]+)", text)} - {"pytest", "uv", "venv"}
    assert len(named) > 10
    places = {name: ROOT / name.replace(".", "/") for name in named}
    there = {n for n, p in places.items() if p.with_suffix(".py").is_file() or (p / "__main__.py").is_file()}
    assert named == there


def test_every_line_of_another_program_is_run_or_says_why_not() -> None:
    blocks = [block for page in PAGES for block in re.findall(r"^ *```console\n(.*?)^ *```", page.read_text(), _BLOCK)]
    lines = {line for block in blocks for line in re.findall(r"^ *\$ (.*)$", block, re.MULTILINE)}
    others = {line for line in lines if not line.startswith(("swatchbook ", "make "))}
    assert {line for line in others if not line.startswith(tuple(OTHER_PROGRAMS))} == set()
    assert [each for each in OTHER_PROGRAMS if not any(line.startswith(each) for line in others)] == []


_NODES = {node for node in (*TESTED_ELSEWHERE.values(), *OTHER_PROGRAMS.values()) if not node.startswith("not run: ")}


@pytest.mark.parametrize("node", sorted(_NODES))
def test_the_test_that_runs_it_exists(node: str) -> None:
    file, _, name = node.partition("::")
    defined = {each.name for each in ast.parse((ROOT / file).read_text()).body if isinstance(each, ast.FunctionDef)}
    assert name in defined


@pytest.mark.parametrize("command", sorted(c for c in {*TESTED_ELSEWHERE, *DEVELOPERS} if c.startswith("make ")))
def test_make_knows_it(command: str) -> None:
    assert subprocess.run(["make", "-n", command.split()[1]], cwd=ROOT, capture_output=True).returncode == 0


def test_a_new_command_is_noticed() -> None:
    page = "```console\n$ swatchbook a --b   # why\nanswer\n$ x && swatchbook c\n```\n`swatchbook d`, `make e`\n"
    assert [*commands(page)] == ["swatchbook a --b", "swatchbook c", "swatchbook d", "make e"]
