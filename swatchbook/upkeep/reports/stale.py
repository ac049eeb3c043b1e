"""Find stale vectors: made by another model than the settings name, or missing in the space that searches read.

Also writes the line about them in `status`, `stats coverage`, `doctor` and reports.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record, Role
from swatchbook.domain.settings import Settings
from swatchbook.models.registry import vector_tags
from swatchbook.store.ledger import space_objects, space_registry
from swatchbook.store.ledger.database import Ledger


class StaleRole(Record):
    """A role whose vectors are not all by the model in the settings (`stale`), or not all searchable (`unserved`)."""

    role: Role
    chosen: str | None  # tag of the model in the settings; None: it makes no such vectors
    searched: str | None  # tag of the active space
    stale: int
    unserved: int

    @property
    def line(self) -> str:
        """Return it as a sentence for people, with the command that helps."""
        parts = []
        if self.stale:
            parts.append(f"{self.stale} {self.role} vectors are stale: made by {self.searched}, not by {self.chosen}")
        if self.unserved:
            parts.append(f"{self.unserved} objects have no {self.role} vector in the space that searches read")
        return f"{'; '.join(parts)}. See `swatchbook spaces`."


def chosen_tags(settings: Settings) -> Mapping[Role, str]:
    """Return role -> tag of the models in the settings, of vectors; nothing where they name no exact one."""
    try:
        return vector_tags(settings)
    except Configuration:  # the settings' model has no revision: `doctor` and every ingest say so
        return {}


def describe_other_models(ledger: Ledger, settings: Settings) -> str | None:
    """Return the line that says which vectors searches read by other models than those in the settings, if any."""
    chosen, others = chosen_tags(settings), defaultdict[tuple[str, str], list[str]](list)
    for role, active in space_registry.active_spaces(ledger).items():
        if role in chosen and active.space.tag != chosen[role]:
            others[active.space.tag, chosen[role]].append(role.value)
    parts = [f"{', '.join(sorted(roles))} by {now}, not by {wanted}" for (now, wanted), roles in others.items()]
    line = f"Searched by other models than the settings name: {'; '.join(parts)}. See `swatchbook spaces`."
    return line if parts else None


def stale_roles(
    ledger: Ledger, settings: Settings, owner: str | None = None, roles: Collection[Role] = ()
) -> tuple[StaleRole, ...]:
    """Return which of these roles (none: of all) have stale or unserved vectors, of an owner or of all owners."""
    chosen = chosen_tags(settings)
    tags, active = defaultdict[Role, set[str]](set), dict[Role, str]()
    for each in space_registry.registered(ledger):
        tags[each.space.role].add(each.space.tag)
        if each.active:
            active[each.space.role] = each.space.tag
    # roles of which all vectors are by the chosen model need no counting
    mixed = {role for role, of_role in tags.items() if of_role != {chosen.get(role)} or role not in active}
    stale = space_objects.count_without(ledger, {role: tag for role, tag in chosen.items() if role in mixed}, owner)
    unserved = space_objects.count_without(ledger, {role: tag for role, tag in active.items() if role in mixed}, owner)
    return tuple(
        StaleRole(
            role=role,
            chosen=chosen.get(role),
            searched=active.get(role),
            stale=stale.get(role, 0),
            unserved=unserved.get(role, 0),
        )
        for role in Role
        if (role in stale or role in unserved) and (not roles or role in roles)
    )
