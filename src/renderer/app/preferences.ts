import { defineStore } from 'pinia';
import { ref, watch } from 'vue';

const KEY = 'ptw-preferences';

export type Theme = 'light' | 'dark';
/** In which unit radii are shown. */
export type RadiusUnit = 'normalised' | 'pixels';

interface Stored {
  readonly theme?: unknown;
  readonly radiusUnit?: unknown;
  readonly isSidebarOpen?: unknown;
}

/** What a person likes, on this machine; kept over reloads. */
export const usePreferences = defineStore('preferences', () => {
  const stored = read();
  const systemTheme: Theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const theme = ref<Theme>(stored.theme === 'dark' || stored.theme === 'light' ? stored.theme : systemTheme);
  const radiusUnit = ref<RadiusUnit>(stored.radiusUnit === 'pixels' ? 'pixels' : 'normalised');
  const isSidebarOpen = ref(stored.isSidebarOpen !== false);
  watch(
    [theme, radiusUnit, isSidebarOpen],
    () => {
      document.documentElement.dataset['theme'] = theme.value;
      const value = { theme: theme.value, radiusUnit: radiusUnit.value, isSidebarOpen: isSidebarOpen.value };
      localStorage.setItem(KEY, JSON.stringify(value));
    },
    { immediate: true },
  );
  const toggleTheme = (): void => {
    theme.value = theme.value === 'dark' ? 'light' : 'dark';
  };
  return { theme, radiusUnit, isSidebarOpen, toggleTheme };
});

function read(): Stored {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
