import { describe, expect, it } from 'vitest';
import { NOTICE_EVENTS } from '../../src/model/notify-schema.js';
import { parseProject } from '../../src/project/parse.js';

const HOOK = 'https://hooks.slack.example/T0/secret';

function parse(receiver: string, environment = {}) {
  return parseProject(`notify:\n  - ${receiver}\n`, environment).notify;
}

describe('a receiver', () => {
  it.each([
    [
      `{ webhook: "${HOOK}", format: slack, on: [failed] }`,
      { kind: 'webhook', url: HOOK, format: 'slack', key: undefined, on: ['failed'] },
    ],
    [
      '{ format: pagerduty, key: abc }',
      {
        kind: 'webhook',
        url: 'https://events.pagerduty.com/v2/enqueue',
        format: 'pagerduty',
        key: 'abc',
        on: NOTICE_EVENTS,
      },
    ],
    [
      '{ smtp: "smtps://me:word@mail.example", to: a@b.example, from: edp@b.example }',
      {
        kind: 'smtp',
        url: 'smtps://me:word@mail.example',
        to: ['a@b.example'],
        from: 'edp@b.example',
        on: NOTICE_EVENTS,
      },
    ],
  ])('%s', (receiver, expected) => {
    expect(parse(receiver)).toEqual([expected]);
  });

  it('is no option', () => {
    expect(parseProject('notify: []\nlog: json\n').options).toEqual({ log: 'json' });
  });
});

describe('a fault', () => {
  it.each([
    ['{}', 'a receiver has webhook or smtp'],
    [`{ webhook: "${HOOK}" }`, 'format: says what it takes'],
    [`{ webhook: "${HOOK}", format: irc }`, 'expected one of slack, teams, json, pagerduty'],
    ['{ webhook: "secret", format: json }', 'expected a URL such as'],
    ['{ webhook: "ftp://secret/x", format: json }', 'expected a URL such as'],
    ['{ format: pagerduty }', 'key: is the routing key'],
    [`{ webhook: "${HOOK}", format: json, key: secret }`, 'only pagerduty has it'],
    [`{ webhook: "${HOOK}", format: json, to: a@b.example }`, 'only a mail has it'],
    [`{ webhook: "${HOOK}", format: json, smtp: "smtp://m", to: a@b.example }`, 'not both'],
    [`{ webhook: "${HOOK}", fomat: json }`, 'did you mean "format"?'],
    [`{ webhook: "${HOOK}", zzz: 1 }`, 'there are webhook, format, key, smtp, to, from, on'],
    ['{ smtp: "smtp:secret", to: a@b.example }', 'expected a URL such as'],
    ['{ smtp: "smtp://mail.example" }', 'to: names who gets the mail'],
    ['{ smtp: "smtp://mail.example", to: [] }', 'notify.0.to'],
    ['{ smtp: "smtp://mail.example", to: "secret" }', 'expected an address'],
    ['{ smtp: "smtp://mail.example", to: "a@b.example\\r\\nBcc: c@d.example" }', 'an address'],
    [`{ webhook: "${HOOK}", format: json, on: [fail] }`, 'expected some of failed, rejects'],
    [`{ webhook: "${HOOK}", format: json, on: [] }`, 'expected some of failed, rejects'],
    [`{ webhook: "${HOOK}", format: json, url: x }`, 'url'],
    [`{ webhook: "\${SECRET_URL}", format: json }`, 'no variable SECRET_URL'],
  ])('of %s has its line, and quotes no secret', (receiver, message) => {
    const fault = () => parse(receiver);
    expect(fault).toThrow(/edp\.yaml:2: /);
    expect(fault).toThrow(message);
    try {
      fault();
    } catch (error) {
      expect((error as Error).message).not.toMatch(/secret/);
    }
  });

  it('of a section that is no list', () => {
    expect(() => parseProject('notify: { webhook: x }\n')).toThrow('notify is a list of receivers');
  });
});
