import { ref } from 'vue';

export type Overlay = 'palette' | 'shortcuts';

/** The one that is open over the view. */
export const overlay = ref<Overlay | null>(null);

export function openOverlay(which: Overlay): void {
  overlay.value = which;
}

export function closeOverlay(): void {
  overlay.value = null;
}
