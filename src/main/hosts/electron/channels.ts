/** The names under which the window and this process speak; nothing else is listened to. */
export const CHANNELS = {
  /** A request of the API, answered by a reply. */
  answer: 'workbench:answer',
  /** An event of the workbench, to the window. */
  event: 'workbench:event',
  /** An action chosen in the menu, to the window. */
  action: 'workbench:action',
} as const;
