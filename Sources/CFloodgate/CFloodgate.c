#include "CFloodgate.h"
