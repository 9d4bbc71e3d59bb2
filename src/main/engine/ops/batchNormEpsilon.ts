/** Added to the variance before its root; PyTorch's and the WideResNet authors' value. */
export const BATCH_NORM_EPSILON = 1e-5;
