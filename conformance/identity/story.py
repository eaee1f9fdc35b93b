"""The chapters in their order, and how one of them is told alone."""

from cases import (application_credentials, assignments, at_once, begin, discovery, domains, endpoints, grants, groups, people,
                   personas, projects, regions, roles, services, strangers, tags, tokens, users, validate)
from consequences import consequences
from corners import corners
from delegation import access_rules, ec2, trusts
from federation import federation
from filters import endpoint_groups
from limits import limits
from logins import logins
from oauth import oauth1

STORY = (discovery, strangers, people, tokens, validate, users, groups, domains, projects, tags, roles, grants, assignments,
         regions, services, endpoints, application_credentials, trusts, ec2, limits, endpoint_groups,
         access_rules, oauth1, federation, logins, corners, consequences, at_once)


def named(chapter):
    """A chapter whose cases carry its name."""
    def told(both):
        def ask(case, *arguments, **named):
            return both(f'{chapter.__name__}: {case}', *arguments, **named)
        ask.sides = both.sides
        if STORY.index(chapter) > STORY.index(people):
            personas(ask)
        chapter(ask)
    return told


def chapters(only=None):
    """All of them; or some, by their names with commas between, and what they build on."""
    chosen = [chapter for chapter in STORY if not only or chapter is people or chapter.__name__ in only.split(',')]
    return [begin, *map(named, chosen)]
