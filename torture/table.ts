import CliTable from 'cli-table3';

/** A table for the terminal whose first column is words and whose others are figures. */
export class Table {
  readonly #table: CliTable.Table;
  constructor(head: readonly string[]) {
    this.#table = new CliTable({
      head: [...head],
      style: { head: [], border: [] },
      colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    });
  }
  row(cells: readonly string[]): void {
    this.#table.push([...cells]);
  }
  get text(): string {
    return this.#table.toString();
  }
}
