import { ACTIONS, type Action } from '../../../shared/actions.ts';

/** As Electron's Menu takes it. */
export interface MenuItem {
  readonly label?: string;
  readonly role?: 'appMenu' | 'editMenu' | 'windowMenu' | 'quit' | 'reload' | 'toggleDevTools' | 'togglefullscreen';
  readonly type?: 'separator';
  readonly accelerator?: string;
  /** The page hears the keys itself; the menu only shows them. */
  readonly registerAccelerator?: boolean;
  readonly submenu?: MenuItem[];
  readonly click?: () => void;
}

/** The native menu: every action of the workbench under its group, with its keys. */
export function menuTemplate(perform: (id: Action['id']) => void, platform: NodeJS.Platform): MenuItem[] {
  const of = (group: Action['group']): MenuItem[] =>
    ACTIONS.filter((action) => action.group === group).map(({ id, label, keys }) => ({
      label: keys === null || isAccelerator(keys) ? label : `${label}\t${keys}`,
      ...(keys !== null && isAccelerator(keys) ? { accelerator: keys, registerAccelerator: false } : {}),
      click: () => perform(id),
    }));
  return [
    ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
    {
      label: 'Workbench',
      submenu: [
        ...of('Work'),
        ...(platform === 'darwin' ? [] : [{ type: 'separator' } as const, { role: 'quit' } as const]),
      ],
    },
    { role: 'editMenu' },
    { label: 'Go to', submenu: of('Go to') },
    {
      label: 'View',
      submenu: [
        ...of('View'),
        { type: 'separator' },
        { role: 'reload' },
        { role: 'togglefullscreen' },
        { role: 'toggleDevTools' },
      ],
    },
    { role: 'windowMenu' },
  ];
}

/** Two keys one after the other are none that a native menu knows. */
const isAccelerator = (keys: string): boolean => keys.includes('+');
