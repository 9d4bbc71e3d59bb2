// For hosts, which know the data room by the workbench alone.
export { filesBelow } from '../data/filesBelow.ts';
