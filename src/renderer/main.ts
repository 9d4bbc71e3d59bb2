import { createPinia } from 'pinia';
import { createApp } from 'vue';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/overlays.css';
import App from './app/App.vue';
import { isAction, perform } from './app/actions.ts';
import { router } from './app/router.ts';
import { listenForActions } from './app/shortcuts.ts';

createApp(App).use(createPinia()).use(router).mount('#app');
listenForActions(perform);
// Those of Electron's native menu.
window.workbench?.onAction((action) => {
  if (isAction(action)) perform(action);
});
