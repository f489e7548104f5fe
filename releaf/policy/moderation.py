"""What a policy does to an answer in words: warnings added, or a refusal in its place.

The bin is decided in `rules`; no text is ever generated here beyond the policy's own messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from releaf.policy.model import Mode, Notice, Policy


@dataclass(frozen=True)
class Screening:
    """The notices of a policy that fit one question, in the policy's order."""

    refusals: tuple[Notice, ...] = ()
    warnings: tuple[Notice, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the answer must be replaced."""
        return bool(self.refusals)


def screen(policy: Policy, question: str, item: str | None = None, material: str | None = None) -> Screening:
    """Find the notices for a question and the object it is about (taxonomy ids, None where unknown).

    Keywords fit as whole words or phrases, whatever their case. Mode `unrestricted` never finds any.
    """
    if policy.mode is Mode.UNRESTRICTED:
        return Screening()
    return Screening(
        refusals=tuple(notice for notice in policy.refusals if notice.match.fits(item, material, question)),
        warnings=tuple(notice for notice in policy.warnings if notice.match.fits(item, material, question)),
    )


def alter(answer: str, screening: Screening) -> str:
    """The answer as it may be given: replaced by the refusals if there are any, then followed by the warnings.

    With no notice the answer comes back unchanged, character for character.
    """
    notices = [notice.message for notice in (*screening.refusals, *screening.warnings)]
    kept = [] if screening.refused else [answer]
    return "\n\n".join(kept + notices) if notices else answer
