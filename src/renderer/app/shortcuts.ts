import { onScopeDispose } from 'vue';
import { ACTIONS, type ActionId } from '../../shared/actions.ts';

const IS_MAC = navigator.platform.startsWith('Mac');
/** How long after the first of two keys the second may come. */
const CHORD_MS = 1000;

/** The keys of a view, beside those of the whole workbench; they are listed on the shortcut sheet while the view is open. */
export interface ViewShortcut {
  /** As KeyboardEvent.key has it, with "Ctrl+" in front where it is held. */
  readonly key: string;
  readonly label: string;
  readonly run: () => void;
}

const ofViews = new Set<readonly ViewShortcut[]>();
export const viewShortcuts = (): readonly ViewShortcut[] => [...ofViews].flat();

/** Hears keys while the component lives. Keys typed into a field are the field's, but for those with Ctrl. */
export function useShortcuts(shortcuts: readonly ViewShortcut[]): void {
  ofViews.add(shortcuts);
  const hear = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isOverlaid()) return;
    const pressed = keyOf(event);
    if (pressed === null || (isTyping(event) && !pressed.startsWith('Ctrl+'))) return;
    const shortcut = shortcuts.find(({ key }) => key === pressed);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run();
  };
  window.addEventListener('keydown', hear);
  onScopeDispose(() => {
    ofViews.delete(shortcuts);
    window.removeEventListener('keydown', hear);
  });
}

/** Hears the keys of all actions for as long as the page is open. */
export function listenForActions(perform: (id: ActionId) => void): void {
  let first: { readonly key: string; readonly at: number } | null = null;
  window.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || isOverlaid()) return;
    const pressed = keyOf(event);
    if (pressed === null || (isTyping(event) && !pressed.startsWith('Ctrl+'))) return;
    const upper = pressed.length === 1 ? pressed.toUpperCase() : pressed;
    const chord = first !== null && event.timeStamp - first.at < CHORD_MS ? `${first.key} ${upper}` : null;
    const action = ACTIONS.find(({ keys }) => keys !== null && [chord, upper].includes(normalised(keys)));
    const begins = ACTIONS.some(({ keys }) => keys?.startsWith(`${upper} `) === true);
    first = action === undefined && begins ? { key: upper, at: event.timeStamp } : null;
    if (action === undefined) return;
    event.preventDefault();
    perform(action.id);
  });
}

const normalised = (keys: string): string => keys.replace('CmdOrCtrl+', 'Ctrl+');

function keyOf(event: KeyboardEvent): string | null {
  if (event.altKey || event.isComposing || ['Shift', 'Control', 'Meta', 'Alt'].includes(event.key)) return null;
  const isHeld = IS_MAC ? event.metaKey : event.ctrlKey;
  if ((event.ctrlKey || event.metaKey) && !isHeld) return null;
  return isHeld ? `Ctrl+${event.key.length === 1 ? event.key.toUpperCase() : event.key}` : event.key;
}

function isTyping({ target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox]):not([type=radio])');
}

/** Under a dialog or a menu the view is out of reach, by keys too. */
const isOverlaid = (): boolean => document.querySelector('[role=dialog], [role=alertdialog], [role=menu]') !== null;

/** As they are shown to a person. */
export const keysText = (keys: string): string =>
  keys.replace('CmdOrCtrl+', IS_MAC ? '⌘' : 'Ctrl+').replace('Ctrl+', IS_MAC ? '⌘' : 'Ctrl+');
