// Holds the write lock of a database for so many milliseconds, having said so.
import Database from 'better-sqlite3';

const db = new Database(process.argv[2]);
db.exec('BEGIN IMMEDIATE');
process.stdout.write('held\n');
setTimeout(() => db.close(), Number(process.argv[3]));
