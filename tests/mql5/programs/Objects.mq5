//+------------------------------------------------------------------+
//|                                                      Objects.mq5 |
//| Classes, pointers and the life of objects.                       |
//+------------------------------------------------------------------+
#include <Expect.mqh>

int g_alive = 0;

class CAnimal
  {
protected:
   string            m_name;

public:
                     CAnimal(const string name) : m_name(name) { g_alive++; }
                    ~CAnimal() { g_alive--; }
   virtual string    Says() const { return m_name + " is silent"; }
   CAnimal          *Self() { return GetPointer(this); }
  };

class CDog : public CAnimal
  {
public:
                     CDog(const string name) : CAnimal(name) {}
   virtual string    Says() const override { return m_name + " barks"; }
   int               Legs() const { return 4; }
  };

class CNode
  {
public:
   CNode            *m_self;
   int               m_unset;
                     CNode() : m_self(GetPointer(this)) {}
  };

class CKennel
  {
private:
   CAnimal          *m_animals[];

public:
                    ~CKennel();
   void              Take(CAnimal *animal);
   CAnimal          *At(const int i) { return m_animals[i]; }
  };

CKennel::~CKennel()
  {
   for(int i = 0; i < ArraySize(m_animals); i++)
      delete m_animals[i];
  }

void CKennel::Take(CAnimal *animal)
  {
   int size = ArraySize(m_animals);
   ArrayResize(m_animals, size + 1);
   m_animals[size] = animal;
  }

string Ask(const CAnimal &animal)
  {
   return animal.Says();
  }

CKennel g_kennel;

void OnStart()
  {
   CAnimal *nobody = NULL;
   ExpectTrue("NULL is no object", nobody == NULL && !nobody);
   ExpectLong("NULL's kind", CheckPointer(nobody), POINTER_INVALID);
   delete nobody;

   CAnimal *dog = new CDog("Rex");
   ExpectText("a virtual function", dog.Says(), "Rex barks");
   ExpectText("through a reference", Ask(dog), "Rex barks");
   ExpectLong("new's kind", CheckPointer(dog), POINTER_DYNAMIC);
   ExpectTrue("an object knows its pointer", dog.Self() == dog);
   CDog *surely = dynamic_cast<CDog *>(dog);
   ExpectLong("cast down", surely.Legs(), 4);
   CAnimal *copy = dog;
   delete dog;
   ExpectLong("the destructor ran", g_alive, 0);
   ExpectLong("a dead object's kind", CheckPointer(copy), POINTER_INVALID);
   ExpectTrue("a dead object is false", !copy);

     {
      CAnimal fish("Fish");
      ExpectLong("a local's kind", CheckPointer(GetPointer(fish)), POINTER_AUTOMATIC);
      CDog *never = dynamic_cast<CDog *>(GetPointer(fish));
      ExpectTrue("cast to what it is not", never == NULL);
      ExpectLong("one alive", g_alive, 1);
     }
   ExpectLong("none alive after the block", g_alive, 0);

   CNode *node = new CNode();
   ExpectLong("a pointer that its own constructor took", CheckPointer(node.m_self), POINTER_DYNAMIC);
   ExpectTrue("a field that no constructor set is not zero", node.m_unset != 0);
   CNode *taken = node.m_self;
   delete node;
   ExpectLong("dies with the object", CheckPointer(taken), POINTER_INVALID);

   g_kennel.Take(new CDog("Bello"));
   g_kennel.Take(new CAnimal("Cat"));
   ExpectText("in an array", g_kennel.At(0).Says(), "Bello barks");
   ExpectText("another in it", g_kennel.At(1).Says(), "Cat is silent");
   ExpectEnd();
  }
