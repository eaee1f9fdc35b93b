#!/usr/bin/env python3
"""Gives the same rules and attributes to Keystone's mapping engine and to ours, and tells where they differ.

    mapping.py PROGRAM [--cases N] [--seed N]

PROGRAM is our engine as `services/identity/examples/mapping.rs` has it. Needs a Python with `keystone` in it. There are
chosen cases and random ones.
"""

import argparse
import json
import logging
import random
import subprocess
import sys

import keystone.conf
from keystone import exception
from keystone.federation import utils

ATTRIBUTES = ('user', 'mail', 'groups', 'empty', 'json', 'odd')
VALUES = {
    'user': ['ann', 'bob', 'ann@example.org', 'Zoë', "o'neil", '{0}', 'a b'], 'mail': ['ann@example.org', 'bob@example.com', ''],
    'groups': ['admins;users', 'users', 'a;b;a;c', ';', "['a', 'b']", '["x"]', 'staff;name', '[1, 2]', "[['a']]", 'x;;y'],
    'empty': [''], 'odd': ['5', "'quoted'", '[', '{}', 'back\\slash', 'new\nline', '\u00e9\u4e2d', 'None', '[None]', "['it\\'s']"],
    'json': ['JSON:{"name": "g", "domain": {"id": "d"}}', 'JSON:{"name": "g"}', '[{"name": "p", "roles": [{"name": "reader"}]}]', '[{"name": "p"}]', '{"name": 5}', 'JSON:[name',
             'JSON:{"name": "g", "domain": {"id": "d"}};JSON:{"name": "h", "domain": {"name": "e"}}'],
}
WORDS = ['ann', 'bob', 'users', 'admins', 'a', 'b', '', 'x', 'staff', 'ann@example.org', 5, None]
PATTERNS = ['ann', '^a', 'b$', '.*', '^$', '(?i)ANN', '[a-c]+', r'\w+@example\.(org|com)$', r'\d', '^(users|admins)$', r'\Auser', r's\Z', 'x{2}', 'a|b', '^.$', r'\bann\b', r'^\w+$']
ODD = ['{1}', '{2}', '{0}-{1}', '{}{}', '{{0}}', '{0}{{', '{0[0]}', '{0!r}', '{0!s}', '{0:s}', '', 'name {0}', '{', '}', '{x}', '{0}{}', '{-1}', '{0[9]}']
TEMPLATES = ['{0}', 'plain', '{}', '{{}}'] * 12 + ODD
DOMAINS = [{'id': 'd'}, {'name': 'e'}, {'id': '{0}'}, {}]

CHOSEN = [
    ('two users', [{'local': [{'user': {}}, {'user': {'name': 'b'}}, {'user': {'name': 'c'}}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('no local', [{'local': [], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('nothing fits', [{'local': [{'user': {'name': 'x'}}], 'remote': [{'type': 'nobody'}]}], {'user': 'ann'}),
    ('group by name twice', [{'local': [{'group': {'name': 'g', 'domain': {'name': 'd'}}}, {'group': {'name': 'g', 'domain': {'name': 'd', 'id': 'i'}}}, {'group': {'name': 'h', 'domain': {'id': 'd'}}}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('projects twice', [{'local': [{'projects': [{'name': 'p', 'roles': []}]}, {'user': {'name': 'u'}}, {'projects': [{'name': '{0}', 'roles': [{'name': 'r'}]}]}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('domain of the last local', [{'local': [{'user': {'name': '{0}'}, 'domain': {'id': 'a'}}, {'domain': {'id': 'b'}}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('user with a domain', [{'local': [{'user': {'name': '{0}', 'domain': {'id': 'own'}}, 'domain': {'id': 'b'}}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('groups without domain', [{'local': [{'user': {'name': 'u'}}, {'groups': '{0}'}], 'remote': [{'type': 'groups'}]}], {'groups': 'a;b'}),
    ('a group called name', [{'local': [{'groups': '{0}', 'domain': {'id': 'd'}}], 'remote': [{'type': 'groups'}]}], {'groups': 'surname;b'}),
    ('groups by several values of JSON', [{'local': [{'groups': '{0}'}], 'remote': [{'type': 'json'}]}], {'json': VALUES['json'][-1]}),
    ('more than matched', [{'local': [{'user': {'name': '{3}'}}], 'remote': [{'type': 'user'}]}], {'user': 'ann'}),
    ('a condition matches nothing to fill in', [{'local': [{'user': {'name': '{0}'}}], 'remote': [{'type': 'user', 'any_one_of': ['ann']}]}], {'user': 'ann'}),
    ('blacklist of everything', [{'local': [{'group_ids': '{0}'}], 'remote': [{'type': 'groups', 'blacklist': ['a', 'b']}]}], {'groups': 'a;b'}),
    ('a list in a list', [{'local': [{'user': {'name': 'u'}}], 'remote': [{'type': 'user', 'any_one_of': [['ann']]}]}], {'user': 'ann'}),
    ('a pattern that is no text behind one that fits', [{'local': [{'user': {'name': 'u'}}], 'remote': [{'type': 'user', 'any_one_of': ['a', 5], 'regex': True}]}], {'user': 'ann'}),
    ('a pattern that is no text', [{'local': [{'user': {'name': 'u'}}], 'remote': [{'type': 'user', 'any_one_of': ['x', 5], 'regex': True}]}], {'user': 'ann'}),
    ('a pattern that is none', [{'local': [{'user': {'name': 'u'}}], 'remote': [{'type': 'user', 'any_one_of': ['('], 'regex': True}]}], {'user': 'ann'}),
    ('projects as JSON and by name', [{'local': [{'user': {'name': 'u'}, 'projects': [{'name': 'q', 'roles': []}], 'projects_json': '{0}', 'domain': {'name': 'd'}}], 'remote': [{'type': 'json'}]}], {'json': VALUES['json'][2]}),
    ('projects as bad JSON', [{'local': [{'projects_json': '{0}'}], 'remote': [{'type': 'json'}]}], {'json': '[{"name": "p"}]'}),
    ('projects as no JSON', [{'local': [{'projects_json': '{0}'}], 'remote': [{'type': 'json'}]}], {'json': 'x'}),
    ('projects as JSON of nothing', [{'local': [{'projects_json': '{1}'}], 'remote': [{'type': 'json'}]}], {'json': 'x'}),
    ('projects as JSON without a number', [{'local': [{'projects_json': 'x'}], 'remote': [{'type': 'json'}]}], {'json': 'x'}),
    ('projects as JSON with a bare number', [{'local': [{'projects_json': '0 and more'}], 'remote': [{'type': 'json'}]}], {'json': '[]'}),
]


def some(chance, words):
    return [chance.choice(words) for _ in range(chance.randint(0, 3))]


def condition(chance):
    name = chance.choice(ATTRIBUTES)
    sort = chance.choice(['', '', '', '', '', 'any_one_of', 'not_any_of', 'whitelist', 'blacklist'])
    if not sort:
        return {'type': name}
    regex = chance.choice([None, None, False, True])
    made = {'type': name, sort: some(chance, PATTERNS if regex else WORDS)}
    return made if regex is None else {**made, 'regex': regex}


def user(chance):
    made = {name: chance.choice(TEMPLATES) for name in ('name', 'id', 'email') if chance.random() < 0.5}
    if chance.random() < 0.3:
        made['type'] = chance.choice(['ephemeral', 'local'])
    if chance.random() < 0.3:
        made['domain'] = chance.choice(DOMAINS)
    return made


def projects(chance, version):
    made = [{'name': chance.choice(TEMPLATES), 'roles': [{'name': chance.choice(['reader', '{0}', 'admin'])} for _ in range(chance.randint(0, 2))]} for _ in range(chance.randint(0, 2))]
    for one in made:
        if version != '1.0' and chance.random() < 0.3:
            one['domain'] = chance.choice(DOMAINS)
    return made


def local(chance, version):
    makers = {
        'user': lambda: user(chance), 'group': lambda: chance.choice([{'id': chance.choice(TEMPLATES)}, {'name': chance.choice(TEMPLATES), 'domain': chance.choice(DOMAINS)}]),
        'groups': lambda: chance.choice(TEMPLATES), 'group_ids': lambda: chance.choice(TEMPLATES), 'domain': lambda: chance.choice(DOMAINS), 'projects': lambda: projects(chance, version),
    }
    if version == '3.0':
        makers['projects_json'] = lambda: chance.choice(['{0}', '{1}', '1', 'x'])
    names = chance.sample(sorted(makers), chance.randint(1, 3))
    return {name: makers[name]() for name in names}


def cases(count, seed):
    """Names, mappings and what a provider says."""
    for name, rules, assertion in CHOSEN:
        for version in ('3.0',) if 'JSON' in name and 'groups' not in name else ('1.0', '2.0', '3.0'):
            yield f'{name} ({version})', {'schema_version': version, 'rules': rules, 'assertion': assertion}
    chance = random.Random(seed)
    for number in range(count):
        version = chance.choice(['1.0', '2.0', '3.0'])
        rules = [{'local': [local(chance, version) for _ in range(chance.randint(1, 3))], 'remote': [condition(chance) for _ in range(chance.randint(1, 3))]} for _ in range(chance.randint(1, 3))]
        assertion = {name: chance.choice(VALUES[name]) for name in ATTRIBUTES if chance.random() < 0.8}
        yield f'random {number}', {'schema_version': version, 'rules': rules, 'assertion': assertion}


def theirs(case):
    """What Keystone's engine makes of a case; the sort of its refusal otherwise."""
    mapping = json.loads(json.dumps({'id': 'm', 'schema_version': case['schema_version'], 'rules': case['rules']}))
    utils.validate_mapping_structure({'rules': mapping['rules'], 'schema_version': mapping['schema_version']})
    try:
        return json.loads(json.dumps(utils.create_attribute_mapping_rules_processor(mapping).process(case['assertion'])))
    except exception.DirectMappingError:
        return {'error': 'direct'}
    except exception.ValidationError as error:
        why = error.args[0] if error.args else str(error)
        return {'error': 'nothing'} if why.startswith('Could not map any') else {'error': 'invalid', 'why': why}
    except Exception:  # whatever it does not expect is a 500 of its
        return {'error': 'broken'}


class Ordered(dict):
    """A set that keeps the order of what comes from the provider: Keystone's has none, and the same each time is what a judge needs."""

    def __init__(self, values=()):
        super().__init__(dict.fromkeys(values))

    def intersection(self, other):
        return Ordered(one for one in other if one in self)

    def difference(self, other):
        return Ordered(one for one in self if one not in other)

    def add(self, one):
        self[one] = None

    def update(self, values):
        super().update(dict.fromkeys(values))


def common(told):
    """Keystone says a list of groups several times over, which changes nothing."""
    if 'group_names' in told:
        told['group_names'] = sorted({json.dumps(one, sort_keys=True) for one in told['group_names']})
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('program')
    parser.add_argument('--cases', type=int, default=5000)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    logging.disable()
    utils.set = Ordered
    keystone.conf.configure()
    asked = list(cases(options.cases, options.seed))
    lines = ''.join(json.dumps(case) + '\n' for _, case in asked)
    answers = subprocess.run([options.program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(answers) != len(asked):
        sys.exit(f'{len(asked)} cases, {len(answers)} answers')
    told, refused = 0, {}
    for (name, case), answer in zip(asked, answers):
        ours, reference = json.loads(answer), theirs(case)
        refused[reference.get('error', 'mapped')] = refused.get(reference.get('error', 'mapped'), 0) + 1
        if common(ours) != common(reference):
            told += 1
            if told <= 20:
                print(f'{name}\n    case   {json.dumps(case)}\n    ours   {json.dumps(ours)}\n    theirs {json.dumps(reference)}')
    print(f'what Keystone made of them: {json.dumps(refused)}')
    print(f'{len(asked) - told} passed, {told} failed')
    return 1 if told else 0


if __name__ == '__main__':
    sys.exit(main())
