/**
 * The layout of the lane's memory. Both sides read this file: the assembly, and the TypeScript
 * around it (byte-lane.ts, called the facade); so it holds nothing but whole numbers.
 *
 * What breaks if you change it: regions must not overlap. Addresses that vectors are loaded from or
 * stored to are followed by SLACK bytes that may be overwritten, since a vector is read and written
 * whole though only its beginning counts. Static data of the assembly lies below PLAN.
 */

/** Bytes behind every region that a vector may reach into. */
export const SLACK = 64;

// The plan, as plan-memory.ts writes it; scalars.ts and rows.ts carry it out.

export const PLAN = 0x8000;
export const PLAN_END = 0x60000;

/**
 * The state shared by the lane and the facade, as 32-bit words from here on; the indexes follow.
 */
export const STATE = PLAN;
/** Set by the facade, once per plan. */
export const FIELD_COUNT = 0;
export const COLUMN_COUNT = 1;
export const DELIMITER = 2;
export const ALLOWS_BARE_QUOTES = 3;
export const HAS_ORDINALS = 4;
export const HAS_LOAD_ID = 5;
/** 64 bits, big-endian, as they are sent. */
export const LOAD_ID = 6;
/** Bytes of a row besides the text in it. */
export const ROW_BYTES = 8;
export const MAX_ROWS = 9;
/** Set by the facade before a run, and updated by the run for the next. */
export const NEXT_ORDINAL = 10;
export const LINE = 11;
/** Address at which the next row begins. */
export const OUT = 12;
/** No row may reach beyond this address. */
export const OUT_END = 13;
export const ROW_COUNT = 14;
/** Set by a run: address of the first record not taken. */
export const NEXT = 15;
/** Address of the first row of the output; the ends of rows are offsets from it. */
export const OUT_START = 16;
/**
 * Set by the facade, once per plan: 1 where values that are in no field follow those of the fields.
 */
export const HAS_TAIL = 17;
/**
 * Set by the facade, once per plan: bytes of the header line at HEADER; 0 where the file has none. Of
 * a longer line than {@link HEADER_BYTES} only the beginning is there.
 */
export const HEADER_LENGTH = 18;
/**
 * Set by the facade, once per plan: bytes that a comment begins with, and their number; 0 where there
 * are no comments.
 */
export const COMMENT_LENGTH = 19;
/** 64 bits, the first byte in the lowest. */
export const COMMENT = 20;
export const MAX_COMMENT_BYTES = 8;
/** Set by the facade, once per plan: 1 where records are lines of JSON. */
export const IS_JSONL = 22;
/**
 * Set by the facade, once per plan: fields, and keys of JSON whose values are passed over, which
 * have the entries behind those of the fields.
 */
export const ENTRY_COUNT = 23;
/** Address of the entry whose key an object of JSON begins with; 0 as long as none has. */
export const FIRST_ENTRY = 24;
/**
 * Set by the facade, once per plan: 1 where the host writes some of the values, so that a record must
 * not be tried twice.
 */
export const IS_CORRECTED = 25;
/** Set by the facade, once per plan: 1 where records are change events. */
export const IS_EVENTS = 26;
/** Address of the table that the latest event is about; set by the facade where events are placed anew. */
export const EVENT_TABLE = 27;
export const STATE_WORDS = 28;

/**
 * One entry per field of the header, or per key of JSON: operation (u8), nullable (u8), reference
 * (u8), whether strings keep their quotes (u8), then, of 32 bits each, the address of the plan of its
 * metrics, or its number among the corrected fields; the address of its key, 0 for none; the address
 * of the entry whose key followed last, 0 as long as none has; and where its value begins and ends in
 * the current row, 0 for none, as long as values are written in another order.
 */
export const FIELDS = PLAN + 4 * STATE_WORDS;
export const FIELD_BYTES = 24;
export const FIELD_NULLABLE = 1;
/** Numbered from 1; 0 where the field refers to nothing. */
export const FIELD_REFERENCE = 2;
export const FIELD_KEEPS_QUOTES = 3;
export const FIELD_METRICS = 4;
export const FIELD_NUMBER = 4;
export const FIELD_KEY = 8;
export const FIELD_FOLLOWER = 12;
export const FIELD_VALUE = 16;
export const FIELD_VALUE_END = 20;
/** Of a key that is counted: whether the current record has it, and how many had it. */
export const FIELD_IS_MET = 16;
export const FIELD_COUNTER = 20;
/** No PostgreSQL table has more columns. */
export const MAX_FIELDS = 1600;

/** The header line of a CSV file, without its line end. */
export const HEADER = FIELDS + FIELD_BYTES * MAX_FIELDS;
export const HEADER_BYTES = 0x1000;

/** Keys of fields, plans of metrics, and the keys that they look for. */
export const KEYS = HEADER + HEADER_BYTES + SLACK;

/** A plan of metrics, as 32-bit words. */
export const METRICS_PATH_COUNT = 0;
export const METRICS_COUNT = 1;
/** 1 where a column for undeclared metrics follows. */
export const METRICS_EXTRA = 2;
/**
 * Addresses of keys, for JSON in quotes and without: those of the path, then those of the metrics.
 */
export const METRICS_QUOTED_KEYS = 3;
export const METRICS_BARE_KEYS = 4;
export const METRICS_WORDS = 5;

/**
 * A key: its length in bytes and its operation (32-bit words), the address of the next key, then
 * its text.
 */
export const KEY_LENGTH = 0;
export const KEY_OPERATION = 4;
export const KEY_NEXT = 8;
export const KEY_TEXT = 16;

// Powers of ten, for floats: 128 bits each, the more significant half first.

export const POWERS = PLAN_END;
export const MIN_POWER = -80;
export const MAX_POWER = 80;

// Distinct values that rows refer to; see references.ts.

export const REFERENCES = 0x80000;
export const MAX_REFERENCES = 15;
export const REFERENCE_BYTES = 0x80000;
/** A bit for each integer from 0 on. */
export const SMALL_VALUES = 0x10000;
/** Offsets within the memory of a reference. */
export const REFERENCE_COUNT = 0x2000;
export const REFERENCE_USED = 0x2004;
export const REFERENCE_SLOTS = 0x4000;
export const SLOT_COUNT = 0x4000;
/** With more values than this, the search for one becomes slow. */
export const MAX_VALUES = 0x3000;
/** The values, one after the other: 8 bytes each, or length (u32) and text. */
export const REFERENCE_VALUES = 0x14000;
export const REFERENCE_VALUES_BYTES = 0x6c000;
/** Records that refer to a longer text are left to the csv lane. */
export const MAX_REFERENCE_TEXT = 1024;

/** Values that the current record refers to. */
export const PENDING = 0x800000;
export const PENDING_BYTES = 16;

/** Where the values of metrics are that come in another order: one entry per metric. */
export const MET = 0x808000;
export const MET_BYTES = 8;
export const MAX_METRICS = 2048;

/** Members of the current line under other keys: entry, and where its value begins and ends (u32). */
export const OTHER_MEMBERS = 0x80c000;
export const OTHER_MEMBER_BYTES = 12;
/** A line with more is left to the csv lane. */
export const MAX_OTHER_MEMBERS = 1000;

// Places of the rows written last: four arrays of 32-bit words.

export const MAX_PLACES = 0x10000;
export const RECORD_STARTS = 0x810000;
export const RECORD_ENDS = RECORD_STARTS + 4 * MAX_PLACES;
export const LINES = RECORD_ENDS + 4 * MAX_PLACES;
export const ROW_ENDS = LINES + 4 * MAX_PLACES;

// The window of the file, and the rows to send.

export const WINDOW = 0xa00000;
export const WINDOW_BYTES = 0x40000;
export const OUTPUT_COUNT = 3;
export const OUTPUT_BYTES = 0x180000;
export const OUTPUTS = 0xa80000;

/** A copy of the current row, while its values are put into order. No row is as large. */
export const ROW = OUTPUTS + OUTPUT_COUNT * OUTPUT_BYTES;
export const MAX_ROW_BYTES = 0x100000;

/**
 * The tables that change events are about (event-plan.ts): addresses of the texts that all events have, then tables with
 * their columns.
 */
export const EVENTS = ROW + MAX_ROW_BYTES + SLACK;
export const EVENTS_BYTES = 0x200000;

// The texts, as keys: words from EVENTS on that have their addresses.

export const EVENT_ID = 0;
export const EVENT_SOURCE = 1;
export const EVENT_TYPE = 2;
export const EVENT_SUBJECT = 3;
export const EVENT_TIME = 4;
export const EVENT_CONTENT_TYPE = 5;
export const EVENT_SEQUENCE = 6;
export const EVENT_OP = 7;
export const EVENT_KEY = 8;
export const EVENT_AFTER = 9;
export const EVENT_BEFORE = 10;
export const EVENT_PARTIAL = 11;
export const EVENT_TRANSACTION = 12;
export const EVENT_END = 13;
/** The word of each op in `type`, with its closing quote, and then that in `data`. */
export const EVENT_TYPE_WORDS = 14;
export const CREATE = 0;
export const READ = 1;
export const UPDATE = 2;
export const DELETE = 3;
export const EVENT_OPS = 4;
export const EVENT_OP_WORDS = EVENT_TYPE_WORDS + EVENT_OPS;
/** Behind the texts: the address of the first table; 0 for none. */
export const EVENT_TABLES = EVENT_OP_WORDS + EVENT_OPS;
export const EVENT_WORDS = EVENT_TABLES + 1;

/**
 * A table, as 32-bit words: address of the next one, 0 behind the last; of its columns, and behind them; of the words with
 * the addresses of those of its key, and behind them; how many columns a create must have; its version; then addresses of
 * texts, as keys: its name with the point behind it, its name, and its `dataschema`; and that of the column that comes
 * first in an object, 0 as long as none has.
 */
export const TABLE_NEXT = 0;
export const TABLE_COLUMNS = 4;
export const TABLE_COLUMNS_END = 8;
export const TABLE_KEY = 12;
export const TABLE_KEY_END = 16;
export const TABLE_REQUIRED = 20;
export const TABLE_VERSION = 24;
export const TABLE_TYPE = 28;
export const TABLE_NAME = 32;
export const TABLE_SCHEMA = 36;
export const TABLE_FIRST = 40;
export const TABLE_BYTES = 44;

/**
 * A column: its operation (u8), whether it is of the key (u8), whether a create must have it (u8); then, of 32 bits each,
 * the address of its name with the colon, as a key; that of the column that came behind it last; the number of the last
 * object that had it; and of one of the key, where its value begins and ends in the current event.
 */
export const COLUMN_IS_KEY = 1;
export const COLUMN_IS_REQUIRED = 2;
export const COLUMN_NAME = 4;
export const COLUMN_FOLLOWER = 8;
export const COLUMN_SEEN = 12;
export const COLUMN_VALUE = 16;
export const COLUMN_VALUE_END = 20;
export const COLUMN_BYTES = 24;

export const MEMORY_BYTES = EVENTS + EVENTS_BYTES + SLACK;

// Operations, by the type of the column that a value goes into.

export const SKIP = 0;
export const INT16 = 1;
export const INT32 = 2;
export const INT64 = 3;
export const FLOAT4 = 4;
export const FLOAT8 = 5;
export const NUMERIC = 6;
export const BOOLEAN = 7;
export const DATE = 8;
export const TIMESTAMP = 9;
export const UUID = 10;
export const TEXT = 11;
export const JSON_TEXT = 12;
export const JSONB = 13;
/** A JSON object to flatten. */
export const METRICS = 14;
/** A metric that is always left to the csv lane. */
export const LEFT = 15;
/** A field whose value the host writes; see corrected.ts. */
export const CORRECTED = 16;
/** The members under other keys, as an object. */
export const OTHERS = 17;
/** A member under another key, which is counted. */
export const COUNTED = 18;
/** The same, and kept among {@link OTHERS}. */
export const KEPT = 19;

/** A timestamp in UTC, written with a Z; in events alone. */
export const UTC = 20;

// Why a run stopped.

export const STOPPED_AT_LIMIT = 0;
/** The window ends within the next record, as far as the lane can see. */
export const STOPPED_INCOMPLETE = 1;
/** The next record is one for the csv lane. */
export const STOPPED_AT_RECORD = 2;
/**
 * There are as many rows as requested, or there is no room for another row, or for the values it
 * refers to.
 */
export const STOPPED_FULL = 3;
