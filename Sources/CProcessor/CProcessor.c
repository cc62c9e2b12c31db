// Everything is in the header, so that it is inlined.
#include "CProcessor.h"
