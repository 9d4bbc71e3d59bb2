export { salvage, type Salvage } from '../store/salvage/salvage.ts';
