/* fuzz_onnx.c: any bytes as an ONNX model; what was read is written, and read again as it was. */
#include "fuzz_world.h"

#include "format/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__arena arena = { .home = home };
    iv__text bytes = { .home = home };
    iv__onnx_model model, again;
    bool good = iv__onnx_read(&arena, "input", data, size, &model) == IV_OK;

    if (good) {
        must(iv__onnx_write(home, &model, &bytes) == IV_OK);
        must(iv__onnx_read(&arena, "again", bytes.data, bytes.size, &again) == IV_OK);
        must(model.n_nodes == again.n_nodes && model.n_tensors == again.n_tensors &&
             model.n_inputs == again.n_inputs && model.n_outputs == again.n_outputs);
        for (int64_t i = 0; i < model.n_nodes; i++)
            must(!strcmp(model.nodes[i].op, again.nodes[i].op) &&
                 model.nodes[i].n_attributes == again.nodes[i].n_attributes);
        for (int64_t i = 0; i < model.n_tensors; i++)
            must(iv_shape_same(&model.tensors[i].shape, &again.tensors[i].shape) &&
                 !memcmp(model.tensors[i].data, again.tensors[i].data,
                         (size_t)iv_shape_count(&model.tensors[i].shape) *
                             iv__onnx_type_size(model.tensors[i].type)));
    }
    iv__text_free(&bytes);
    iv__arena_free(&arena);
    return fuzz_end(home, !good);
}
