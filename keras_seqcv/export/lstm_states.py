"""The first states of fused LSTMs in float16 files."""


def forget_first_states(content: bytes) -> bytes:
    """Take out what would write a first state into a fused LSTM of a LiteRT model.

    The operator keeps its states in variable tensors, which begin at zero. The constants that stand for them while a
    model is converted become float16 with all others, each with a DEQUANTIZE into the variable tensor: at the first
    run, and only then, the LSTM would begin with these constants.

    Returns:
        The model, without these operators.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for graph in model.subgraphs:
        graph.operators = [
            step
            for step in graph.operators
            if model.operatorCodes[step.opcodeIndex].builtinCode != schema.BuiltinOperator.DEQUANTIZE
            or not graph.tensors[step.outputs[0]].isVariable
        ]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
