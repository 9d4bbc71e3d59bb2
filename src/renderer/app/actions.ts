import { ACTIONS, type ActionId } from '../../shared/actions.ts';
import { ask } from './api.ts';
import { usePreferences } from './preferences.ts';
import { router } from './router.ts';
import { openOverlay } from './overlays.ts';

/** What each action does in a page. */
const PERFORM: Readonly<Record<ActionId, () => void>> = {
  'go.experiments': () => void router.push('/experiments'),
  'go.queue': () => void router.push('/queue'),
  'go.runs': () => void router.push('/runs'),
  'go.compare': () => void router.push('/compare'),
  'go.studies': () => void router.push('/studies'),
  'go.data': () => void router.push('/data'),
  'go.engine': () => void router.push('/engine'),
  'experiment.new': () => void router.push('/experiments'),
  'queue.cancel': () => void ask('queue.cancel', {}),
  'palette.open': () => openOverlay('palette'),
  'shortcuts.show': () => openOverlay('shortcuts'),
  'theme.toggle': () => usePreferences().toggleTheme(),
  'sidebar.toggle': () => {
    const preferences = usePreferences();
    preferences.isSidebarOpen = !preferences.isSidebarOpen;
  },
};

export function perform(id: ActionId): void {
  PERFORM[id]();
}

export const isAction = (id: string): id is ActionId => ACTIONS.some((action) => action.id === id);
