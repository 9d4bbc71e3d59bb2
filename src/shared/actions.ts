/**
 * What a user can do anywhere in the workbench: the native menu, the command palette and the shortcut sheet are all made from this
 * list. Keys are as Electron names accelerators; "CmdOrCtrl" is ⌘ on a Mac and Ctrl elsewhere, and two keys with a space between are pressed one after
 * the other.
 */
export interface Action {
  readonly id: ActionId;
  readonly label: string;
  /** Under which menu and heading it stands. */
  readonly group: 'Go to' | 'Work' | 'View';
  readonly keys: string | null;
}

const go = (id: GoId, label: string, keys: string): Action => ({ id, label, group: 'Go to', keys });

export type GoId = 'go.experiments' | 'go.queue' | 'go.runs' | 'go.compare' | 'go.studies' | 'go.data' | 'go.engine';
export type ActionId =
  GoId | 'experiment.new' | 'queue.cancel' | 'palette.open' | 'shortcuts.show' | 'theme.toggle' | 'sidebar.toggle';

export const ACTIONS: readonly Action[] = [
  go('go.experiments', 'Experiments', 'G E'),
  go('go.queue', 'Queue', 'G Q'),
  go('go.runs', 'Runs', 'G R'),
  go('go.compare', 'Compare runs', 'G C'),
  go('go.studies', 'Studies', 'G S'),
  go('go.data', 'Data sets', 'G D'),
  go('go.engine', 'Engine', 'G N'),
  { id: 'experiment.new', label: 'New experiment', group: 'Work', keys: 'N' },
  { id: 'queue.cancel', label: 'Cancel the current run', group: 'Work', keys: null },
  { id: 'palette.open', label: 'Command palette', group: 'View', keys: 'CmdOrCtrl+K' },
  { id: 'shortcuts.show', label: 'Keyboard shortcuts', group: 'View', keys: '?' },
  { id: 'theme.toggle', label: 'Switch between light and dark', group: 'View', keys: 'T' },
  { id: 'sidebar.toggle', label: 'Show or hide the sidebar', group: 'View', keys: 'CmdOrCtrl+B' },
];
