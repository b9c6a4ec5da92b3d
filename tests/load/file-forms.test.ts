/** The form of a file: where its header is, what its names are, and what a field is. A line is a file and what it comes to. */
import { expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

type Form = readonly [
  name: string,
  text: string | Buffer,
  /** Names and types of the columns. */
  columns: string,
  loaded: number,
  /** The fields of the first row, between `|`. */
  first?: string,
  rejected?: number,
];

const many = (count: number, line: (i: number) => string, end = '\n') =>
  Array.from({ length: count }, (_, i) => line(i) + end).join('');

const CITIES = ['Rome', 'Oslo', 'Paris', 'Lima', 'Cairo', 'Quito', 'Bern'];
const city = (i: number) => CITIES[i % CITIES.length]!;

const BLANKS: Form[] = [
  [
    'before each quote of the header',
    `"a", "b", "c"\n${many(30, (i) => `"k${i}","v${i}","w${i}"`)}`,
    'a text, b text, c text',
    30,
    'k0|v0|w0',
  ],
  [
    'of two records in all',
    '"a", "b", "c"\n"d","e","f"\n"g","h","i"\n',
    'a text, b text, c text',
    2,
    'd|e|f',
  ],
  [
    'before quotes of the header, and commas in values',
    `"id", "name", "city"\n${many(30, (i) => `${i},"n${i}","x, y"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x, y',
  ],
  [
    'and semicolons',
    `"id"; "name"; "city"\n${many(30, (i) => `${i};"n${i}";"x; y"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x; y',
  ],
  [
    'and bars',
    `"id"| "name"| "city"\n${many(30, (i) => `${i}|"n${i}"|"x| y"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x| y',
  ],
  [
    'and tabs',
    `"id"\t "name"\t "city"\n${many(30, (i) => `${i}\t"n${i}"\t"x\t y"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x\t y',
  ],
  [
    'behind the quotes of the header',
    `"id" ,"name" ,"city"\n${many(30, (i) => `${i},"n${i}","x"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x',
  ],
  [
    'on both sides of them',
    `"id" , "name" , "city"\n${many(30, (i) => `${i},"n${i}","x"`)}`,
    'id int, name text, city text',
    30,
    '0|n0|x',
  ],
  [
    'before the last field',
    `id,name,note\n${many(30, (i) => `${i},n${i}, "said ""hi"" to, me"`)}`,
    'id int, name text, note text',
    30,
    '0|n0|said "hi" to, me',
  ],
  [
    'before the last field, semicolons',
    `id;name;note\n${many(30, (i) => `${i};n${i}; "said ""hi"" to; me"`)}`,
    'id int, name text, note text',
    30,
    '0|n0|said "hi" to; me',
  ],
  [
    'two of them, in all lines',
    `id,  name,  n\n${many(30, (i) => `${i},  "x${i},  y",  ${i * 2}`)}`,
    'id int, name text, n int',
    30,
    '0|x0,  y|0',
  ],
  [
    'that fill fields up to a width',
    `id,name,n\n${many(30, (i) => `   ${i},     "x${i}, y",    ${i * 2}`)}`,
    'id text, name text, n text',
    30,
  ],
  [
    'behind the closing quotes',
    `id,name,note\n${many(30, (i) => `${i},"n${i}" ,"a,b" `)}`,
    'id int, name text, note text',
    30,
    '0|n0|a,b',
  ],
  [
    'in some records only',
    `id,name,note\n${many(30, (i) => `${i},${i % 5 ? '' : ' '}"n, ${i}",b`)}`,
    'id int, name text, note text',
    30,
  ],
  [
    'in one record of the last ones',
    `id,name,note\n${many(400, (i) => `${i},${i === 390 ? '  ' : ''}"n, ${i}",b`)}`,
    'id int, name text, note text',
    400,
  ],
  [
    'before the first field',
    `"id","name"\n${many(30, (i) => ` "${i}","n${i}, x"`)}`,
    'id int, name text',
    30,
    '0|n0, x',
  ],
  [
    'and line ends within quotes',
    `id,name,note\n${many(30, (i) => `${i}, "n\n${i}", "a\r\nb"`)}`,
    'id int, name text, note text',
    30,
  ],
  [
    'and CR LF, a byte order mark',
    `\ufeff"id", "name"\r\n${many(30, (i) => `${i},"n, ${i}"`, '\r\n')}`,
    'id int, name text',
    30,
    '0|n, 0',
  ],
  [
    'before an empty field in quotes',
    `id,name,note\n${many(30, (i) => `${i}, "", "x, ${i}"`)}`,
    'id int, name text, note text',
    30,
    '0||x, 0',
  ],
];

const NAMES: Form[] = [
  [
    'brackets',
    `[UNIXTIME],[READTIME],[DELTA]\n${many(20, (i) => `${1577998000 + i},2020-01-02 16:00,1.00${i % 10}`)}`,
    'unixtime int, readtime timestamp, delta numeric',
    20,
  ],
  [
    'brackets and blanks',
    `[UNIXTIME], [READTIME], [DELTA]\n${many(20, (i) => `${1577998000 + i}, 2020-01-02 16:00, 1.00${i % 10}`)}`,
    'unixtime int, readtime timestamp, delta numeric',
    20,
  ],
  [
    'braces',
    `{time},{read}\n${many(20, (i) => `2020-01-02 16:${10 + i},${i}`)}`,
    'time timestamp, read int',
    20,
  ],
  [
    'parentheses',
    `(day),(count)\n${many(20, (i) => `2020-01-${10 + i},${i}`)}`,
    'day date, count int',
    20,
  ],
  [
    'angle brackets',
    `<DATE>,<CLOSE>\n${many(20, (i) => `2020-01-${10 + i},${i}.5`)}`,
    'date date, close numeric',
    20,
  ],
  [
    'brackets, values of text',
    `[OrderId],[CustName],[Amount]\n${many(20, (i) => `O${i},${city(i)},${i}.5`)}`,
    'order_id text, cust_name text, amount numeric',
    20,
  ],
  [
    'brackets, tabs',
    `[Order]\t[City]\n${many(20, (i) => `${i}\t${city(i)}`)}`,
    'order int, city text',
    20,
  ],
  ['brackets, one record', '[a],[b]\n1,2.5\n', 'a int, b numeric', 1],
  [
    'dates',
    `country,2020-01-31,2020-02-29\n${many(20, (i) => `${city(i)},${100 + i * 7},${300 + i}`)}`,
    'country text, _2020_01_31 int, _2020_02_29 int',
    20,
  ],
  [
    'days with points',
    `country;31.01.2020;29.02.2020\n${many(20, (i) => `${city(i)};${100 + i * 7};${300 + i}`)}`,
    'country text, _31_01_2020 int, _29_02_2020 int',
    20,
  ],
  [
    'days with slashes',
    `state,1/22/20,1/23/20\n${many(20, (i) => `${city(i)},${100 + i * 7},${300 + i}`)}`,
    'state text, _1_22_20 int, _1_23_20 int',
    20,
  ],
  [
    'dates, all of them',
    `date,2024-01-01,2024-01-02\n${many(8, (i) => `${city(i)},${i}.5,${i}.25`)}`,
    'date text, _2024_01_01 numeric, _2024_01_02 numeric',
    8,
  ],
  [
    'months',
    `shop,2020-01,2020-02\n${many(20, (i) => `${city(i)},${100 + i * 7},${300 + i}`)}`,
    'shop text, _2020_01 int, _2020_02 int',
    20,
  ],
  [
    'times',
    `sensor,00:00,01:00,02:00\n${many(20, (i) => `s${i},${750 + i}.5,${800 + i}.25,3`)}`,
    'sensor text, _00_00 numeric, _01_00 numeric, _02_00 int',
    20,
  ],
  [
    'moments',
    `sensor,2024-01-01 00:00,2024-01-01 01:00\n${many(20, (i) => `s${i},${750 + i}.5,${800 + i}.25`)}`,
    'sensor text, _2024_01_01_00_00 numeric, _2024_01_01_01_00 numeric',
    20,
  ],
  [
    'years in quotes',
    `"region","2019","2020"\n${many(20, (i) => `"r${i}",${200 + i},${800 - i}`)}`,
    'region text, _2019 int, _2020 int',
    20,
  ],
  [
    'years in quotes, semicolons',
    `"region";"2019";"2020"\n${many(20, (i) => `"r${i}";${200 + i};${800 - i}`)}`,
    'region text, _2019 int, _2020 int',
    20,
  ],
  [
    'years',
    `region,2018,2019,2020\n${many(20, (i) => `${city(i)},${200 + i},${800 - i},${i}`)}`,
    'region text, _2018 int, _2019 int, _2020 int',
    20,
  ],
  [
    'one year',
    'state,2022\nAlpha,-29.1\nBeta,-14.6\nGamma,-7.1\nDelta,-12.4\n',
    'state text, _2022 numeric',
    4,
    'Alpha|-29.1',
  ],
  [
    'one year, first',
    '2022,state\n-29.1,Alpha\n-14.6,Beta\n-7.1,Gamma\n-12.4,Delta\n',
    '_2022 numeric, state text',
    4,
  ],
  [
    'one year, another',
    'country;1990\nPeru;0.51\nChile;0.33\nBolivia;0.74\n',
    'country text, _1990 numeric',
    3,
  ],
  [
    'questions',
    '"What is your religion, if any?",Do you pray?,Gender\nResponse,Response,Response\nNone of these,Weekly or more,Male\nAtheist,,Female\nProtestant,Never,Male\nAtheist,Never,Male\nCatholic,Never,Male\n',
    'what_is_your_religion_if_any text, do_you_pray text, gender text',
    6,
  ],
  [
    'questions, semicolons',
    'Do you like tea?;How often?\nyes;daily\nno;never\nyes;weekly\nno;never\n',
    'do_you_like_tea text, how_often text',
    4,
  ],
  [
    'one question among words',
    'Town,Have you been there?,Sex\nRome,yes,f\nOslo,no,m\nOslo,no,f\nLima,yes,m\n',
    'town text, have_you_been_there text, sex text',
    4,
  ],
];

const HEADERS: Form[] = [
  [
    'twice, as the first two lines',
    'Day,Shop,Qty\nDay,Shop,Qty\n2019-01-02,Berlin,3\n2019-01-03,Paris,2\n2019-01-04,Rome,7\n2019-01-05,Oslo,1\n',
    'day date, shop text, qty int',
    4,
  ],
  ['three times', `id;v\nid;v\nid;v\n${many(9, (i) => `${i};${i}.5`)}`, 'id int, v numeric', 9],
  [
    'missing, texts in quotes',
    '"Alpha (North) 262","ND2","N262"\n"Alpha (South) Se.210 Bird","CRV","S210"\n"Alpha SN.601 Boat","NDC","S601"\n"Agu A109","AGH","A109"\n"Air A300","AB3","A30B"\n"Air A310","310",\\N\n"Air A318","318","A318"\n"Air A319","319","A319"\n',
    'column_1 text, column_2 text, column_3 text',
    8,
    'Alpha (North) 262|ND2|N262',
  ],
  [
    'missing, codes',
    `AA1;X7\n${many(12, (i) => `${'ABCDEF'[i % 6]}${'XYZ'[i % 3]}${i};X${i}`)}`,
    'column_1 text, column_2 text',
    13,
  ],
  [
    'behind two lines, filled up',
    'Sales report 2019,,,\n,,,\nDay,Shop,Qty,Price\n2019-01-02,Berlin,3,4.50\n2019-01-03,Paris,2,1.25\n2019-01-04,Rome,7,9.99\n2019-01-05,Oslo,1,0.75\n',
    'day date, shop text, qty int, price numeric',
    4,
  ],
  [
    'behind two lines, semicolons',
    'Sales report 2019;;;\n;;;\nDay;Shop;Qty;Price\n2019-01-02;Berlin;3;4.50\n2019-01-03;Paris;2;1.25\n2019-01-04;Rome;7;9.99\n',
    'day date, shop text, qty int, price numeric',
    3,
  ],
  [
    'behind one line, filled up',
    `Temperatures of the town,,\nid,city,deg\n${many(12, (i) => `${i},${city(i)},${i}.5`)}`,
    'id int, city text, deg numeric',
    12,
  ],
  [
    'behind four lines, tabs',
    `Report\t\t\nmade by\tme\t\n\t\t\n\t\t\nid\tcity\tdeg\n${many(12, (i) => `${i}\t${city(i)}\t${i}.5`)}`,
    'id int, city text, deg numeric',
    12,
  ],
  [
    'behind pairs, filled up',
    `Station:,Rome,\nDay:,2020-01-01,\nid,city,deg\n${many(12, (i) => `${i},${city(i)},${i}.5`)}`,
    'id int, city text, deg numeric',
    12,
  ],
  [
    'behind a pair and a blank line, semicolons',
    `made by;me;;\n;;;\nid;city;deg;day\n${many(12, (i) => `${i};${city(i)};${i}.5;2020-01-${10 + i}`)}`,
    'id int, city text, deg numeric, day date',
    12,
  ],
  [
    'with a comma too many',
    'a,b,c,\n1,x,3.5\n2,y,4.5\n3,z,5.5\n4,w,6.5\n',
    'a int, b text, c numeric',
    4,
    '1|x|3.5',
  ],
  [
    'with two semicolons too many',
    'a;b;c;;\n1;x;3.5\n2;y;4.5\n3;z;5.5\n',
    'a int, b text, c numeric',
    3,
    '1|x|3.5',
  ],
  [
    'with a tab too many',
    `id\tcity\t\n${many(40, (i) => `${i}\t${city(i)}`)}`,
    'id int, city text',
    40,
    '0|Rome',
  ],
  [
    'with a comma too many, quotes',
    `"id","city",\n${many(40, (i) => `${i},"${city(i)}, x"`)}`,
    'id int, city text',
    40,
    '0|Rome, x',
  ],
  [
    'with a name missing in the middle',
    'code;kind;name;town\nABJ;A;0.06;Port Bouet;Abidjan\nLON;C;1.0;London;London\nPAR;C;0.83;Paris;Paris\nATL;A;0.82;Hartsfield;Atlanta\n',
    'code text, kind text, name text, town text',
    0,
    undefined,
    4,
  ],
  [
    'with a name missing, commas',
    `code,score,town\n${many(12, (i) => `C${'ABCDEFGHIJKL'[i]},A,${i}.5,${city(i)}`)}`,
    'code text, score text, town text',
    0,
    undefined,
    12,
  ],
  [
    'without a name over row numbers',
    `city,deg\n${many(12, (i) => `${i + 1},${city(i)},${i}.5`)}`,
    'column_1 int, city text, deg numeric',
    12,
    '1|Rome|0.5',
  ],
  [
    'without a name over row numbers, quotes',
    `"city","deg"\n${many(12, (i) => `"${i + 1}","${city(i)}",${i}.5`)}`,
    'column_1 int, city text, deg numeric',
    12,
    '1|Rome|0.5',
  ],
];

const cr = (text: string) => text.replaceAll('\n', '\r');
const BOOK = `id,city,deg\n${many(20, (i) => `${i},${city(i)},${i}.5`)}`;

const TEXTS: Form[] = [
  ['CR, and a last LF', `${cr(BOOK)}\n`, 'id int, city text, deg numeric', 20, '0|Rome|0.5'],
  [
    'CR, and LF in place of the last',
    `${cr(BOOK).slice(0, -1)}\n`,
    'id int, city text, deg numeric',
    20,
  ],
  ['CR, and a last CR LF', `${cr(BOOK)}\r\n`, 'id int, city text, deg numeric', 20],
  [
    'CR, quotes and a last LF',
    `${cr(`id;name\n${many(20, (i) => `${i};"a;${i}"`)}`)}\n`,
    'id int, name text',
    20,
    '0|a;0',
  ],
  [
    'quotes that are text, behind 300 records',
    `id;name;x\n${many(800, (i) => `${i};Airport ${i};${i}.5`)}${many(10, (i) => `${800 + i};The "old" one "${i}" x;1.5`)}`,
    'id int, name text, x numeric',
    810,
  ],
  [
    'quotes that begin fields, behind 300 records',
    `id;name;x\n${many(800, (i) => `${i};Airport ${i};${i}.5`)}${many(10, (i) => `${800 + i};"Old" field ${i};1.5`)}`,
    'id int, name text, x numeric',
    810,
  ],
  [
    'quotes that begin fields, tabs',
    `id\tname\n${many(2000, (i) => `${i}\tPlace ${i}`)}${many(10, (i) => `${2000 + i}\t"Old" field ${i}`)}`,
    'id int, name text',
    2010,
  ],
  [
    'quotes that begin fields, commas',
    `id,name,x\n${many(600, (i) => `${i},Airport ${i},${i}.5`)}${many(10, (i) => `${600 + i},"Old" field ${i},1.5`)}`,
    'id int, name text, x numeric',
    610,
  ],
  [
    'JSON with quotes that nobody escaped',
    `"created_at","name","gid","val"\n${many(5, (i) => `"2021-09-13 09:47:57","roster",${i},"{"pos": "Exec / to: A", "val": "0800-1630", "d": "2021-09-1${i}"}"`)}`,
    'created_at text, name text, gid text, val text',
    0,
    undefined,
    5,
  ],
  [
    'JSON lists with such quotes',
    `"id","tags"\n${many(6, (i) => `${i},"["red","blue ${i}"]"`)}`,
    'id text, tags text',
    0,
    undefined,
    6,
  ],
  [
    'JSON with such quotes, one comma within',
    `"id","doc","n"\n${many(60, (i) => `${i},"{"a": "b", "d": ${i}}",1`)}`,
    'id text, doc text, n text',
    0,
    undefined,
    60,
  ],
  [
    'JSON with such quotes, tabs',
    `"id"\t"doc"\n${many(60, (i) => `${i}\t"{"a": "b\t", "d": [1,2,${i}]}"`)}`,
    'id text, doc text',
    0,
    undefined,
    60,
  ],
  [
    'JSON with such quotes, bars',
    `"id"|"doc"|"n"\n${many(60, (i) => `${i}|"{"a": "b| c", "d": ${i}}"|1`)}`,
    'id text, doc text, n text',
    0,
    undefined,
    60,
  ],
  [
    'JSON with such quotes, a header without',
    `id;doc;n\n${many(60, (i) => `${i};"{"a": "b; c", "d": ${i}}";1`)}`,
    'id text, doc text, n text',
    0,
    undefined,
    60,
  ],
  [
    'JSON with such quotes, two columns',
    `id,doc\n${many(60, (i) => `${i},"{"a": "b", "d": [1,2,${i}]}"`)}`,
    'id text, doc text',
    0,
    undefined,
    60,
  ],
  [
    'texts with such quotes',
    `"id","note"\n${many(12, (i) => `"${i}","he said "go, now" to ${city(i)}"`)}`,
    'id text, note text',
    0,
    undefined,
    12,
  ],
  [
    'JSON with such quotes, semicolons',
    `"id";"doc";"n"\n${many(6, (i) => `${i};"{"a": "b; c", "d": ${i}}";1`)}`,
    'id text, doc text, n text',
    0,
    undefined,
    6,
  ],
];

const latin1 = (text: string) => Buffer.from(text, 'latin1');
/** In Mac Roman: é is 8E, ü 9F, ’ D5, ñ 96, “ D2, ” D3. */
const BYTES: Form[] = [
  [
    'Latin-1 in three lines of 100',
    latin1(
      `id,name\n${many(100, (i) => `${i},${{ 30: 'não', 60: 'más', 90: 'mañana' }[i] ?? `plain ${i}`}`)}`,
    ),
    'id int, name text',
    100,
  ],
  [
    'Latin-1 in one line of 5,000',
    latin1(`id;name\n${many(5000, (i) => `${i};${i === 4321 ? 'Zürich' : `plain ${i}`}`)}`),
    'id int, name text',
    5000,
  ],
  [
    'Windows-1252 quotes in two lines',
    latin1(
      `id\tname\n${many(300, (i) => `${i}\t${i % 200 === 150 ? 'it\x92s \x93so\x94' : `plain ${i}`}`)}`,
    ),
    'id int, name text',
    300,
  ],
  [
    'Mac Roman, English',
    latin1(
      'id,text\n1,they\xd5re reporting\n2,don\xd5t know\n3,nothing\n4,it isn\xd5t\n5,caf\x8e\n',
    ),
    'id int, text text',
    5,
    '1|they’re reporting',
  ],
  [
    'Mac Roman, French',
    latin1(`id;text\n1;tr\x8fs bien\n${many(9, (i) => `${i + 2};un \x8et\x8e \x88 N\x94mes`)}`),
    'id int, text text',
    10,
    '1|très bien',
  ],
  [
    'Mac Roman, German',
    latin1(`id,text\n1,M\x9fnchen\n${many(9, (i) => `${i + 2},K\x9aln und F\x9frth`)}`),
    'id int, text text',
    10,
    '1|München',
  ],
];

/** Names that do not look like those of one series. */
const tableName = (index: number) =>
  `form${String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26))}`;

/** The fields of the first row, between `|`. */
async function firstRow(table: string): Promise<unknown> {
  const [[row]] = (await database.query(
    `SELECT string_agg(coalesce(value, ''), '|') FROM (SELECT f FROM ${table} f ORDER BY ctid LIMIT 1) x,
     json_each_text(row_to_json(x.f)) WHERE key <> 'load_id'`,
  )) as [[unknown]];
  return row;
}

it.each<[string, Form[]]>([
  ['blanks beside quotes', BLANKS],
  ['names', NAMES],
  ['a header', HEADERS],
  ['texts', TEXTS],
  ['bytes', BYTES],
])('%s', async (_, forms) => {
  const files = forms.map(([, text], i) => [`${tableName(i)}.csv`, text] as const);
  const cwd = await makeProject(null, Object.fromEntries(files));
  const { json } = await run(cwd, 'ingest', ...files.map(([name]) => name), '--create');
  const found: unknown[] = [];
  const wanted: unknown[] = [];
  for (const [i, [name, , columns, loaded, first, rejected = 0]] of forms.entries()) {
    const table = tableName(i);
    const created = json.created.find((one: { name: string }) => one.name === table);
    const rows = json.files.find((one: { table: string }) => one.table === table)?.rows;
    const names = created?.columns.map(
      (one: { name: string; type: string }) => `${one.name} ${one.type}`,
    );
    wanted.push({ name, loaded, rejected, columns, ...(first !== undefined && { first }) });
    found.push({
      ...{ name, loaded: rows?.loaded, rejected: rows?.rejected, columns: names?.join(', ') },
      ...(first !== undefined && { first: await firstRow(table) }),
    });
  }
  expect(found).toEqual(wanted);
});
